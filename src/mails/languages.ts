import Negotiator from "negotiator";
import { de } from "./de";
import { en, type Mails } from "./en";

/** What mails say, by language (BCP 47). Another language is a file of that shape and a name here. */
export const MAILS = { en, de } satisfies Record<string, Mails>;

export type Language = keyof typeof MAILS;

export const LANGUAGES = Object.keys(MAILS) as Language[];
/** The language for a request that names none, and for a language without mails. */
export const ENGLISH: Language = "en";

/** No browser sends a longer header. A longer one is not read. */
const MOST_CHARACTERS = 1024;

export function isLanguage(tag: string): tag is Language {
  return Object.hasOwn(MAILS, tag);
}

/** A language as it was stored; English where mails in it no longer exist. */
export function languageOf(tag: string | null | undefined): Language {
  return tag != null && isLanguage(tag) ? tag : ENGLISH;
}

/** The language of mails that an `Accept-Language` prefers (RFC 9110, section 12.5.4). */
export function preferredLanguage(header: string | undefined): Language {
  if (!header || header.length > MOST_CHARACTERS) return ENGLISH;
  const negotiator = new Negotiator({ headers: { "accept-language": header } });
  return languageOf(negotiator.language(LANGUAGES));
}
