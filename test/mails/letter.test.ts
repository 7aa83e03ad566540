import { type Language, LANGUAGES, MAILS } from "../../src/mails/languages";
import type { Mails } from "../../src/mails/en";
import { layout } from "../../src/mails/layout";
import type { Letter } from "../../src/mails/letter";
import { useDatabase } from "../support/database";
import { APP_URL, post, recipient, useMail } from "../support/mail";

beforeAll(useDatabase);
beforeAll(useMail);

const FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0";
const LINK = `${APP_URL}/somewhere#token=got_1`;
const IP = "203.0.113.7";
const notice = (detail: string | null) => ["2026-11-05T13:02:59.123Z", IP, detail] as const;

/** What each letter is told, in all the ways that it makes a difference; and what it has to tell. */
const TOLD: { [K in keyof Mails]: { told: Parameters<Mails[K]>; tells: string[] }[] } = {
  verifyEmail: [{ told: [LINK], tells: [LINK, "24"] }],
  alreadySignedUp: [{ told: [APP_URL], tells: [APP_URL] }],
  resetPassword: [{ told: [LINK], tells: [LINK, "30"] }],
  passwordNotSet: [
    { told: [APP_URL, []], tells: [APP_URL, "PASSWORD_NOT_SET"] },
    { told: [APP_URL, ["GitHub", "Google"]], tells: [APP_URL, "GitHub", "Google"] },
  ],
  noSuchUser: [{ told: [APP_URL], tells: [APP_URL] }],
  updateEmail: [{ told: [LINK], tells: [LINK, "24"] }],
  emailTaken: [{ told: [], tells: [] }],
  emailChanged: [{ told: ["2026-11-05T13:02:59.123Z", IP], tells: ["13:02", "UTC", IP] }],
  passwordChanged: [...noticed(null), ...noticed("GitHub, Google")],
  passwordReset: [...noticed(null), ...noticed("GitHub")],
  passwordSet: noticed(null),
  identityLinked: noticed("GitHub"),
  identityUnlinked: noticed("Google"),
  mfaEnabled: noticed(null),
  authenticatorReplaced: noticed(null),
  mfaDisabled: noticed(null),
  mfaReset: noticed("They lost their phone"),
  recoveryCodesCreated: noticed(null),
  recoveryCodeUsed: noticed("9"),
  emailChangeRequested: noticed(null),
  newDevice: [
    { told: [...notice(FIREFOX)], tells: ["Firefox", "Windows", "13:02", IP] },
    { told: [...notice("curl/8.0")], tells: ["13:02", IP] },
    ...noticed(null),
  ],
  passwordGuessed: noticed(null),
  passwordGuessedInSession: noticed(null),
  codeGuessed: [...noticed(null), ...noticed("Google")],
  codeGuessedInSession: noticed(null),
};

function noticed(detail: string | null) {
  return [
    {
      told: [...notice(detail)] as [string, string, string | null],
      tells: ["13:02", "UTC", "2026", IP, ...(detail ? [detail] : [])],
    },
  ];
}

const names = Object.keys(TOLD) as (keyof Mails)[];
const written = (language: Language, name: keyof Mails): [letter: Letter, tells: string[]][] =>
  TOLD[name].map(({ told, tells }) => [
    (MAILS[language][name] as (...told: unknown[]) => Letter)(...told),
    tells,
  ]);
const every = LANGUAGES.flatMap((language) => names.map((name) => [language, name] as const));
const escaped = (text: string) =>
  text.replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll("'", "&#39;");

it.each(LANGUAGES)("there is every letter in %s, and none besides", (language) => {
  expect(Object.keys(MAILS[language]).sort()).toEqual([...names].sort());
});

it.each(every)("in %s, %s arrives whole, as text and as HTML", async (language, name) => {
  for (const [letter, tells] of written(language, name)) {
    const mail = await post(language, letter);
    const { subject, paragraphs, link, after = [] } = letter;

    expect(recipient(mail)).toBe("ada@example.com");
    expect(mail.subject).toBe(subject);
    expect(mail.headers.get("content-language")).toBe(language);
    const html = String(mail.html);
    expect(html).toContain(`<html lang="${language}">`);
    for (const line of [...paragraphs, ...after]) {
      expect(line.trim()).toMatch(/[.”“!?)]$/u);
      expect(line).not.toMatch(/undefined|null|\[object|\$\{/);
      expect(mail.text).toContain(line);
      expect(html).toContain(escaped(line));
    }
    if (link) {
      expect(html).toContain(`href="${link.url}"`);
      expect(html).toContain(`>${link.label}</a>`);
    }
    for (const told of tells) {
      expect(mail.text).toContain(told);
      expect(html).toContain(escaped(told));
    }
  }
});

it.each(every.filter(([language]) => language !== "en"))(
  "in %s, %s is written in that language, every line of it",
  (language, name) => {
    const english = written("en", name).map(([letter]) => lines(letter));
    const there = written(language, name).map(([letter]) => lines(letter));
    expect(there.map(({ length }) => length)).toEqual(english.map(({ length }) => length));
    expect(there.flat().filter((line) => english.flat().includes(line))).toEqual([]);
  },
);

/** All that a letter says in words. */
function lines({ subject, paragraphs, link, after = [] }: Letter): string[] {
  return [subject, ...paragraphs, ...(link ? [link.label] : []), ...after];
}

it.each(LANGUAGES)("in %s, no link is made of what others have written", (language) => {
  const evil = "see evil.example/x, https://evil.example, http://evil and evil\u3002example";
  const { mfaReset, newDevice } = MAILS[language];

  for (const letter of [mfaReset(...notice(evil)), newDevice(...notice(evil))]) {
    const { text, html } = layout(language, letter);
    expect(`${text}${html}`).not.toMatch(/evil[.\u3002]example|:\/\/evil/);
  }
  expect(layout(language, mfaReset(...notice(evil))).text).toContain("evil");
});

it("U9: a mail about guessed codes speaks of the password only to a user who signed in with it", () => {
  const [at, ip] = notice(null);
  for (const [language, word] of [
    ["en", /password/i],
    ["de", /passwort/i],
  ] as const) {
    const { codeGuessed, codeGuessedInSession } = MAILS[language];
    expect(lines(codeGuessed(at, ip, null)).join()).toMatch(word);
    expect(lines(codeGuessed(at, ip, "Google")).join()).not.toMatch(word);
    expect(lines(codeGuessedInSession(at, ip, null)).join()).not.toMatch(word);
  }
});

it("says when and from where as each language does", () => {
  const [at, ip] = notice(null);
  const said = (language: Language, from: string | null) =>
    MAILS[language].passwordChanged(at, from, null).paragraphs[0];
  expect([said("en", ip), said("en", null)]).toEqual([
    "Your password was changed on 2026-11-05 at 13:02 UTC (from the address 203.0.113.7). Your other sessions have ended.",
    "Your password was changed on 2026-11-05 at 13:02 UTC. Your other sessions have ended.",
  ]);
  expect([said("de", ip), said("de", null)]).toEqual([
    "Ihr Passwort wurde am 05.11.2026 um 13:02 Uhr (UTC, von der Adresse 203.0.113.7 aus) geändert. Ihre anderen Sitzungen wurden beendet.",
    "Ihr Passwort wurde am 05.11.2026 um 13:02 Uhr (UTC) geändert. Ihre anderen Sitzungen wurden beendet.",
  ]);
});
