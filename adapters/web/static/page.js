// The page: shows what the server has rendered, in its place, and sends what people do. Without it the forms still work.
import { follow } from "./stream.js";
import { Outbox } from "./outbox.js";
import { attach } from "./files.js";
import "./theme.js";

const page = document.body.dataset;
const one = (id) => document.getElementById(id);
const said = one("said");
const scroll = one("scroll");
const text = one("text");
const composer = one("composer");
const files = attach(one("files"), one("attached"), page, tell);
const outbox = new Outbox(`errand/${page.conversation}`, { waiting, arrived, refused });

// --- items in their places

const place = (item) => Number(item.dataset.turn) * 10 + Number(item.dataset.rank);

function made(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content.firstElementChild;
}

function put(html) {
  const item = made(html);
  const known = document.getElementById(item.id);
  if (known?.dataset.version === item.dataset.version) return known;
  keepChoices(known, item);
  if (known) known.replaceWith(item);
  else {
    const later = [...said.children].find((each) => place(each) > place(item));
    said.insertBefore(item, later ?? null);
  }
  return item;
}

// What somebody has folded stays folded while the plan goes on.
function keepChoices(from, to) {
  const plan = from?.querySelector("details.plan");
  if (plan) to.querySelector("details.plan")?.toggleAttribute("open", plan.open);
}

function arrivedItems(items) {
  const wasAtEnd = atEnd();
  one("welcome")?.remove();
  for (const item of items.map(put)) {
    one("unsent").querySelector(`[data-event="${CSS.escape(item.id.slice(2))}"]`)?.remove();
    if (item.classList.contains("question")) close(item.querySelector("form")?.dataset.question);
  }
  if (wasAtEnd) toEnd();
  else one("down").hidden = items.length === 0;
}

function all({ items, question, earlier, busy }) {
  const first = items.length ? place(made(items[0])) : 0;
  const ids = new Set(items.map((html) => made(html).id));
  for (const item of [...said.children]) {
    if (place(item) >= first && !ids.has(item.id)) item.remove();
  }
  if (items.length) arrivedItems(items);
  close(question);
  showBusy(busy);
  if (!earlier) one("earlier")?.remove();
  outbox.flush();
}

function live({ items, busy }) {
  const wasAtEnd = atEnd();
  const shown = new Set(items.map((html) => put(html).id));
  for (const item of said.querySelectorAll(".live")) if (!shown.has(item.id)) item.remove();
  showBusy(busy);
  if (wasAtEnd) toEnd();
}

// Only one question can be answered: the others are over.
function close(open) {
  for (const form of said.querySelectorAll("form[data-question]")) {
    if (form.dataset.question === open) continue;
    if (form.contains(document.activeElement)) text.focus();
    form.remove();
  }
}

function showBusy(busy) {
  one("stop").hidden = !busy;
  document.body.classList.toggle("busy", busy);
}

// --- the end of the conversation

const atEnd = () => scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 80;

function toEnd() {
  scroll.scrollTop = scroll.scrollHeight;
  one("down").hidden = true;
}

scroll.addEventListener("scroll", () => {
  if (atEnd()) one("down").hidden = true;
});
one("down").addEventListener("click", toEnd);

// --- what people do

function tell(words) {
  one("told").textContent = words;
}

function send(action, fields, words) {
  history.replaceState(null, "", page.since ? location.href : `/c/${page.conversation}`);
  outbox.add(action, fields, words);
}

function waiting({ event, words, problem }) {
  let bubble = one("unsent").querySelector(`[data-event="${event}"]`);
  if (!words) return problem && tell(problem);
  if (!bubble) {
    one("welcome")?.remove();
    bubble = made('<article class="item said unsent"><h2 class="hidden"></h2><div class="words"></div><p class="hint"></p></article>');
    bubble.dataset.event = event;
    bubble.querySelector("h2").textContent = page.saysYou;
    bubble.querySelector(".words").textContent = words;
    one("unsent").append(bubble);
    toEnd();
  }
  bubble.querySelector(".hint").textContent = problem ?? "";
}

function arrived({ event, words }) {
  const bubble = one("unsent").querySelector(`[data-event="${event}"]`);
  if (bubble && document.getElementById(`e-${event}`)) bubble.remove();
  else if (bubble) bubble.querySelector(".hint").textContent = "";
  if (words === null) tell(page.saysThanks);
}

function refused({ event, words, problem }) {
  one("unsent").querySelector(`[data-event="${event}"]`)?.remove();
  tell(problem);
  connection(problem);
  if (words && !text.value) text.value = words;
  grow();
}

function fieldsOf(form, button) {
  const fields = [...new FormData(form)].filter(([, value]) => typeof value === "string");
  return button?.name ? [...fields, [button.name, button.value]] : fields;
}

composer.addEventListener("submit", (submitted) => {
  submitted.preventDefault();
  const words = text.value.trim();
  if (files.isBusy() || !(words || files.refs().length)) return;
  const names = files.names();
  send(composer.action, [["text", words], ...files.refs().map((ref) => ["file", ref])], [words, ...names].join("\n").trim());
  text.value = "";
  files.clear();
  grow();
  text.focus();
});

document.addEventListener("submit", (submitted) => {
  const form = submitted.target;
  const button = submitted.submitter;
  if (!form.matches("form[data-sends], form.feedback")) return;
  submitted.preventDefault();
  const action = button?.formAction && button.hasAttribute("formaction") ? button.formAction : form.action;
  const fields = fieldsOf(form, button);
  if (form.matches(".feedback") && button?.name === "rating") {
    for (const each of form.querySelectorAll("[aria-pressed]")) each.setAttribute("aria-pressed", String(each === button));
    return send(action, fields, null);
  }
  if (form.matches(".answers") && !fields.some(([name, value]) => name !== "question" && value.trim())) {
    return form.querySelector("input:not([type=hidden])")?.focus();
  }
  send(action, fields, form.id === "stop" ? "" : spoken(fields));
  if (form.matches(".answers")) {
    for (const each of form.querySelectorAll("button, input")) each.disabled = true;
    tell(page.saysAnswered);
    text.focus();
  }
});

// What a form says, in the words that stand for it until the server shows it.
const spoken = (fields) => fields.filter(([name, value]) => !["question", "turn"].includes(name) && value).map(([, value]) => value).join("\n");

text.addEventListener("keydown", (key) => {
  if (key.key === "Enter" && !key.shiftKey && !key.isComposing) {
    key.preventDefault();
    composer.requestSubmit();
  }
});

function grow() {
  text.style.height = "auto"; // the CSP forbids style attributes in HTML, not this
  text.style.height = `${Math.min(text.scrollHeight, 200)}px`;
}
text.addEventListener("input", grow);

for (const example of document.querySelectorAll(".example")) {
  example.addEventListener("click", () => {
    text.value = example.textContent;
    composer.requestSubmit();
  });
}

// --- what was before

document.addEventListener("click", async (clicked) => {
  const link = clicked.target.closest?.("#earlier");
  if (!link) return;
  clicked.preventDefault();
  const answer = await fetch(link.href, { headers: { Accept: "application/json" } });
  if (!answer.ok) return;
  const { items, earlier } = await answer.json();
  const height = scroll.scrollHeight;
  items.forEach(put);
  scroll.scrollTop += scroll.scrollHeight - height;
  if (!earlier || !items.length) link.remove();
  else link.href = `/c/${page.conversation}/earlier?before=t${made(items[0]).dataset.turn}`;
  said.firstElementChild?.setAttribute("tabindex", "-1");
  said.focus({ preventScroll: true });
});

// --- the list, and search in it

async function list() {
  if (one("search").value) return;
  const answer = await fetch(`/conversations?current=${page.conversation}`, { headers: { Accept: "application/json" } });
  if (!answer.ok) return;
  const { html, title } = await answer.json();
  one("list").innerHTML = html;
  if (title) {
    one("title").textContent = title;
    document.title = `${title} · Errand`;
  }
}

let sought = 0;
one("search").addEventListener("input", async () => {
  const wanted = one("search").value.trim();
  const mine = ++sought;
  if (!wanted) return list();
  await new Promise((done) => setTimeout(done, 150));
  if (mine !== sought) return;
  const answer = await fetch(`/search?q=${encodeURIComponent(wanted)}`, { headers: { Accept: "application/json" } });
  if (answer.ok && mine === sought) one("list").innerHTML = (await answer.json()).html;
});
one("search").form.addEventListener("submit", (submitted) => {
  submitted.preventDefault();
  one("list").querySelector("a")?.focus();
});

// --- the side on a phone

function side(open) {
  document.body.classList.toggle("side", open);
  one("menu").setAttribute("aria-expanded", String(open));
  document.querySelector("main").inert = open;
  (open ? one("close") : one("menu")).focus();
}
one("menu").addEventListener("click", () => side(true));
one("close").addEventListener("click", () => side(false));
document.addEventListener("keydown", (key) => {
  if (key.key === "Escape" && document.body.classList.contains("side")) side(false);
});

// --- the stream

function connection(words) {
  one("connection").textContent = words;
}

follow(`/c/${page.conversation}/events${page.since ? `?since=${page.since}` : ""}`, {
  all,
  items: ({ items }) => arrivedItems(items),
  live,
  list,
  lost: () => connection(page.saysLost),
  here: () => connection(""),
  isBusy: () => document.body.classList.contains("busy"),
});
const from = location.hash.startsWith("#from-t") && said.querySelector(`[data-turn="${CSS.escape(location.hash.slice(7))}"]`);
if (from) from.scrollIntoView();
else toEnd();
