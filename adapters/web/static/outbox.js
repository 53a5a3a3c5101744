// What was done and perhaps has not arrived. It is kept over a reload, and sent until the server says that it has it;
// the event's id makes sure that it counts once.
const LONGEST_PAUSE = 10000; // milliseconds

export class Outbox {
  constructor(key, { waiting, arrived, refused }) {
    Object.assign(this, { key, waiting, arrived, refused, pause: 500, isSending: false });
    for (const letter of this.letters()) this.waiting({ ...letter, problem: document.body.dataset.saysWaiting });
  }

  letters() {
    return JSON.parse(localStorage.getItem(this.key) ?? "[]");
  }

  keep(letters) {
    if (letters.length) localStorage.setItem(this.key, JSON.stringify(letters));
    else localStorage.removeItem(this.key);
  }

  add(action, fields, words) {
    const letter = { event: id(), action: new URL(action, location.href).pathname, fields, words };
    this.keep([...this.letters(), letter]);
    this.waiting(letter);
    this.flush();
  }

  drop(event) {
    this.keep(this.letters().filter((each) => each.event !== event));
  }

  async flush() {
    if (this.isSending) return;
    this.isSending = true;
    clearTimeout(this.again);
    try {
      let letter;
      while ((letter = this.letters()[0])) {
        if (!(await this.send(letter))) return this.later(letter);
        this.pause = 500;
      }
    } finally {
      this.isSending = false;
    }
  }

  // True where that letter is done with.
  async send(letter) {
    let answer;
    try {
      answer = await fetch(letter.action, {
        method: "POST",
        headers: { Accept: "application/json" },
        body: new URLSearchParams([["event", letter.event], ...letter.fields]),
      });
    } catch {
      return false;
    }
    const told = await answer.json().catch(() => ({}));
    if (answer.status >= 500 || answer.status === 429) {
      letter.problem = told.problem;
      return false;
    }
    this.drop(letter.event);
    if (answer.ok) this.arrived(letter);
    else this.refused({ ...letter, problem: told.problem ?? document.body.dataset.saysRefused });
    return true;
  }

  later(letter) {
    const problem = [letter.problem, document.body.dataset.saysWaiting].filter(Boolean).join(" ");
    for (const each of this.letters()) this.waiting({ ...each, problem });
    this.again = setTimeout(() => this.flush(), this.pause);
    this.pause = Math.min(this.pause * 2, LONGEST_PAUSE);
  }
}

function id() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
