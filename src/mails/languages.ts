import Negotiator from "negotiator";
import { de } from "./de";
import { en, type Mails } from "./en";

/** What mails say, by language (BCP 47). Another language is a file of that shape and a name here. */
export const MAILS = { en, de } satisfies Record<string, Mails>;

export type Language = keyof typeof MAILS;

export const LANGUAGES = Object.keys(MAILS) as Language[];
/** For whoever says nothing else. */
export const ENGLISH: Language = "en";

/** Longer than what any browser sends; more is not read. */
const MOST_CHARACTERS = 1024;

export function isLanguage(tag: string): tag is Language {
  return Object.hasOwn(MAILS, tag);
}

/** A language as it was stored, as long as there is one; English otherwise. */
export function languageOf(tag: string | null | undefined): Language {
  return tag != null && isLanguage(tag) ? tag : ENGLISH;
}

/** The language that an `Accept-Language` prefers of those that there are (RFC 9110, 12.5.4). */
export function preferredLanguage(header: string | undefined): Language {
  if (!header || header.length > MOST_CHARACTERS) return ENGLISH;
  const negotiator = new Negotiator({ headers: { "accept-language": header } });
  return languageOf(negotiator.language(LANGUAGES));
}
