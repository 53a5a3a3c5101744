// The console works without this: it switches the theme, shows on a phone where one is, and lets the log go on by itself.
import "./theme.js";

document.querySelector("nav [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });

const MOST = 500; // lines, as many as the server keeps
const log = document.getElementById("log");

function made(items) {
  const template = document.createElement("template");
  template.innerHTML = items.join("");
  return template.content;
}

function show({ items, all }) {
  const wasAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
  if (all) log.replaceChildren(made(items));
  else log.append(made(items));
  while (log.children.length > MOST) log.firstElementChild.remove();
  if (wasAtEnd || all) log.scrollTop = log.scrollHeight;
}

if (log) {
  const connection = document.getElementById("connection");
  const source = new EventSource(log.dataset.events);
  source.addEventListener("lines", (event) => show(JSON.parse(event.data)));
  source.addEventListener("open", () => (connection.textContent = ""));
  source.addEventListener("error", () => (connection.textContent = log.dataset.saysLost)); // it tries again by itself
}
