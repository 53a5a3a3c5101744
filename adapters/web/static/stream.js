// Follows a conversation. Each connection begins with all of it, so that nothing is missed and nothing is shown twice.
const FIRST_PAUSE = 500; // milliseconds
const LONGEST_PAUSE = 5000;

export function follow(address, { lost, here, isBusy, ...handlers }) {
  let source = null;
  let pause = FIRST_PAUSE;
  let again = null;

  function open() {
    clearTimeout(again);
    source?.close();
    source = new EventSource(address);
    for (const [kind, handler] of Object.entries(handlers)) {
      source.addEventListener(kind, (event) => {
        pause = FIRST_PAUSE;
        here();
        handler(JSON.parse(event.data));
      });
    }
    source.addEventListener("error", () => {
      source.close();
      source = null;
      lost();
      again = setTimeout(open, pause);
      pause = Math.min(pause * 2, LONGEST_PAUSE);
    });
  }

  // A browser opens six connections to a place: pages that nobody sees give theirs back, unless they wait for something.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden && source && !isBusy()) {
      source.close();
      source = null;
    } else if (!document.hidden && !source) open();
  });
  window.addEventListener("online", open);
  open();
}
