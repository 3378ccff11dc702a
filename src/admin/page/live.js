// Keeps the page up to date: asks for it again, and takes over what differs. Elements stay the ones they were, so that
// focus, selection and what a reader has reached are kept.
"use strict";

(() => {
  const EVERY = 2000;
  const PATIENCE = 8000;
  const note = document.getElementById("live");
  const pause = document.getElementById("pause");
  let paused = false;
  let timer = 0;
  let asking = null;

  const key = (node) =>
    node.nodeType === Node.ELEMENT_NODE ? node.dataset.key || node.id || "" : "";

  const alike = (one, other) => one.nodeName === other.nodeName && key(one) === key(other);

  const takeAttributes = (into, from) => {
    if (into.classList.contains("changed")) from.classList.add("changed");
    for (const { name } of [...into.attributes]) {
      if (!from.hasAttribute(name)) into.removeAttribute(name);
    }
    for (const { name, value } of from.attributes) {
      if (into.getAttribute(name) !== value) into.setAttribute(name, value);
    }
  };

  // What somebody writes, and whether it is marked, is theirs.
  const isTheirs = (node) => node.nodeName === "INPUT";

  const take = (into, from) => {
    if (into.nodeType !== Node.ELEMENT_NODE) {
      if (into.nodeValue !== from.nodeValue) {
        into.nodeValue = from.nodeValue;
        const cell = into.parentElement?.closest("td, dd");
        if (cell && !cell.classList.contains("chart")) mark(cell);
      }
      return;
    }
    if (isTheirs(into)) return;
    takeAttributes(into, from);
    let at = into.firstChild;
    for (const wanted of [...from.childNodes]) {
      let found = at;
      while (found && !alike(found, wanted)) found = found.nextSibling;
      if (found && (found === at || key(wanted))) {
        if (found === at) at = at.nextSibling;
        else into.insertBefore(found, at);
        take(found, wanted);
      } else {
        into.insertBefore(document.importNode(wanted, true), at);
      }
    }
    while (at) {
      const next = at.nextSibling;
      at.remove();
      at = next;
    }
  };

  const mark = (cell) => {
    cell.classList.remove("changed");
    requestAnimationFrame(() => cell.classList.add("changed"));
  };

  const say = (text) => {
    if (note.textContent !== text) note.textContent = text;
  };

  const ask = async () => {
    clearTimeout(timer);
    if (paused || document.hidden || asking) return;
    asking = new AbortController();
    const late = setTimeout(() => asking.abort(), PATIENCE);
    try {
      const answer = await fetch(location.href, {
        headers: { Accept: "text/html" },
        cache: "no-store",
        signal: asking.signal,
      });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const main = page.getElementById("main");
      if (main && !paused) {
        document.title = page.title;
        take(document.getElementById("main"), main);
        take(document.getElementById("asof"), page.getElementById("asof"));
        say("Live.");
      }
    } catch {
      say("The server does not answer: what is shown is old.");
    } finally {
      clearTimeout(late);
      asking = null;
      timer = setTimeout(ask, EVERY);
    }
  };

  pause.hidden = false;
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.textContent = paused ? "Go on" : "Pause";
    say(paused ? "Paused." : "Live.");
    ask();
  });
  document.addEventListener("visibilitychange", ask);
  say("Live.");
  timer = setTimeout(ask, EVERY);
})();
