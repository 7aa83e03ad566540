import { ENGLISH, type Language } from "../mails/languages";

/**
 * The browser that sent a request, and what it keeps for us in cookies. A program that sends a token
 * keeps nothing.
 */
export interface Browser {
  /** Whether the browser sent the session by itself, in its cookie. */
  readonly sentSession: boolean;
  /** The language it asks for. People who have no user yet are written to in this language. */
  readonly language: Language;
  keepSession(token: string): void;
  /** The session that asks has ended: removes it from the browser, if the browser keeps it. */
  forgetSession(): void;
  /** The secret of a sign-in at a provider that the browser is on its way back from. */
  readonly flowSecret: string | null;
  keepFlow(secret: string): void;
  forgetFlow(): void;
  /** The hash by which a browser is recognized at its next sign-in; null for a new browser. */
  readonly deviceHash: Buffer | null;
  /** The same, and a new browser is given one. Not for a caller who is refused. */
  keepDevice(): Buffer | null;
}

/** For programs, jobs and the command line. */
export const NO_BROWSER: Browser = {
  sentSession: false,
  language: ENGLISH,
  keepSession: () => undefined,
  forgetSession: () => undefined,
  flowSecret: null,
  keepFlow: () => undefined,
  forgetFlow: () => undefined,
  deviceHash: null,
  keepDevice: () => null,
};
