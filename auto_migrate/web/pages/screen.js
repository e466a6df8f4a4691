"use strict";
/* Refreshes what is live on a page, counts the time on, and copies commands. The page works without it. */
(() => {
  const screen = () => document.getElementById("am-screen");
  const news = document.getElementById("am-news");
  const stale = document.getElementById("am-stale");
  if (!screen()) return;
  let etag = screen().dataset.etag;
  let timer;
  let known = new Date();

  const clock = (seconds) => {
    const whole = Math.max(0, Math.floor(seconds));
    const two = (number) => String(number).padStart(2, "0");
    const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
    return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
  };

  /* Clocks of browsers are wrong: each answer tells the server's. */
  let ahead = 0;
  const heard = (response) => {
    const date = Date.parse(response.headers.get("Date"));
    if (date && Math.abs(Date.now() - date - ahead) > 1500) ahead = Date.now() - date;
  };
  const tick = () => {
    if (!stale.hidden) return;
    const now = Date.now() - ahead;
    for (const time of document.querySelectorAll("[data-since]"))
      time.textContent = clock((now - Date.parse(time.dataset.since)) / 1000);
    for (const time of document.querySelectorAll("[data-until]"))
      time.textContent = clock((Date.parse(time.dataset.until) - now) / 1000);
  };

  /* What was open, ticked and in use stays so. */
  const put = (old, fresh) => {
    const open = [...old.querySelectorAll("details[open][id]")].map((one) => one.id);
    const ticked = [...old.querySelectorAll("input:checked")].map((one) => one.id);
    const used = old.contains(document.activeElement) ? document.activeElement.id : "";
    const at = old.querySelector(".am-log")?.scrollTop;
    old.replaceWith(fresh);
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    for (const id of ticked) if (document.getElementById(id)) document.getElementById(id).checked = true;
    if (used) document.getElementById(used)?.focus({ preventScroll: true });
    if (at) fresh.querySelector(".am-log").scrollTop = at;
    offer(fresh);
  };

  const last = new Map();
  const take = (fresh) => {
    for (const section of fresh.querySelectorAll(":scope > section[data-live]")) {
      const old = document.getElementById(section.id);
      const text = section.outerHTML;
      if (old && last.get(section.id) !== text) put(old, document.importNode(section, true));
      last.set(section.id, text);
    }
    if (news.textContent !== fresh.dataset.news) news.textContent = fresh.dataset.news;
    screen().dataset.interval = fresh.dataset.interval;
  };

  const ask = async (part) => {
    const address = new URL(location.href);
    if (part) address.searchParams.set("part", part);
    const headers = { Accept: "text/html", ...(part ? { "If-None-Match": etag } : {}) };
    const response = await fetch(address, { headers, cache: "no-store", signal: AbortSignal.timeout(8000) });
    heard(response);
    if (response.status === 304) return null;
    if (!response.ok) throw new Error(response.status);
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html").getElementById("am-screen");
    if (!fresh) throw new Error("another page");
    etag = response.headers.get("ETag");
    return fresh;
  };

  const look = async () => {
    try {
      const fresh = await ask("live");
      if (fresh && fresh.dataset.key === screen().dataset.key) take(fresh);
      else if (fresh) put(screen(), document.importNode(await ask(""), true));
      if (fresh && news.textContent !== fresh.dataset.news) news.textContent = fresh.dataset.news;
      known = new Date();
      stale.hidden = true;
    } catch {
      if (stale.hidden) stale.textContent = stale.dataset.text.replace("…", known.toLocaleTimeString());
      stale.hidden = false;
    }
    document.body.classList.toggle("am-old", !stale.hidden);
    plan();
  };
  const plan = () => {
    clearTimeout(timer);
    if (!document.hidden && screen().dataset.live !== undefined) timer = setTimeout(look, 1000 * screen().dataset.interval);
  };
  document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : look()));

  const offer = (root) => {
    for (const button of root.querySelectorAll("button[data-copy]")) button.hidden = false;
  };
  const copied = async (text, beside) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      /* Not a secure context: what is selected can still be copied. */
      getSelection().selectAllChildren(beside);
      document.execCommand("copy");
    }
  };
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-copy]");
    if (!button) return;
    await copied(button.dataset.copy, button.parentElement.querySelector("code"));
    news.textContent = button.textContent = stale.dataset.copied;
  });
  document.addEventListener("keydown", (event) => {
    const open = event.key === "Escape" && document.activeElement?.closest("details.am-ask[open]");
    if (open) {
      open.removeAttribute("open");
      open.querySelector("summary").focus();
    }
  });

  offer(document);
  news.textContent = screen().dataset.news;
  setInterval(tick, 1000);
  plan();
})();
