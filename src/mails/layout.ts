import type { Language } from "./languages";
import type { Letter } from "./letter";

/** Both parts of a mail. It fetches nothing from a server, so no server learns who opened it. */
export function layout(
  language: Language,
  { paragraphs, link, after = [] }: Letter,
): { text: string; html: string } {
  const text = [...paragraphs, ...(link ? [link.url] : []), ...after].join("\n\n");
  const p = (inner: string) => `<p style="margin:0 0 16px">${inner}</p>`;
  const button = (url: string, label: string) =>
    `<a href="${escaped(url)}" style="display:inline-block;padding:10px 16px;border-radius:6px;` +
    `background:#1f4fd8;color:#fff;text-decoration:none">${escaped(label)}</a>`;
  const body = [
    ...paragraphs.map((line) => p(escaped(line))),
    ...(link ? [p(button(link.url, link.label))] : []),
    ...after.map((line) => p(escaped(line))),
  ].join("\n");
  const html =
    `<!doctype html><html lang="${language}"><body style="font:16px/1.5 sans-serif;color:#1a1a1a;` +
    `max-width:560px;margin:24px auto;padding:0 16px">\n${body}\n</body></html>`;
  return { text: `${text}\n`, html };
}

const ENTITIES: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};
const escaped = (text: string) => text.replace(/[&<>"']/g, (character) => ENTITIES[character]!);
