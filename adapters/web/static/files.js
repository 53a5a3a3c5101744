// Files on their way to the server: each is brought as soon as it is chosen, dropped or pasted.
export function attach(input, list, page, tell) {
  let chosen = [];

  async function bring(file) {
    if (file.size > Number(page.uploadBytes)) return tell(`${page.saysLarge} ${file.name}`);
    const entry = { name: file.name, ref: null };
    chosen.push(entry);
    show();
    tell(`${file.name} ${page.saysUploading}`);
    try {
      const answer = await fetch(`/files?name=${encodeURIComponent(file.name)}`, {
        method: "POST",
        headers: { Accept: "application/json", "Content-Type": file.type || "application/octet-stream" },
        body: file,
      });
      const told = await answer.json();
      if (!answer.ok) throw new Error(told.problem);
      entry.ref = told.ref;
    } catch (error) {
      chosen = chosen.filter((each) => each !== entry);
      tell(`${file.name}: ${error.message}`);
    }
    show();
  }

  function show() {
    list.replaceChildren(...chosen.map(chip));
  }

  function chip(entry) {
    const item = document.createElement("li");
    item.textContent = entry.name;
    if (!entry.ref) item.className = "coming";
    const remove = document.createElement("button");
    remove.type = "button";
    remove.textContent = "×";
    remove.setAttribute("aria-label", `${page.saysRemove} ${entry.name}`);
    remove.addEventListener("click", () => {
      chosen = chosen.filter((each) => each !== entry);
      show();
    });
    item.append(remove);
    return item;
  }

  const bringAll = (files) => [...files].forEach(bring);
  input.addEventListener("change", () => {
    bringAll(input.files);
    input.value = "";
  });
  document.addEventListener("dragover", (dragged) => dragged.preventDefault());
  document.addEventListener("drop", (dropped) => {
    dropped.preventDefault();
    bringAll(dropped.dataTransfer.files);
  });
  document.addEventListener("paste", (pasted) => {
    if (pasted.clipboardData.files.length) bringAll(pasted.clipboardData.files);
  });

  return {
    refs: () => chosen.filter((each) => each.ref).map((each) => each.ref),
    names: () => chosen.map((each) => each.name),
    isBusy: () => chosen.some((each) => !each.ref),
    clear: () => {
      chosen = [];
      show();
    },
  };
}
