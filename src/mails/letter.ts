/** What a mail says. Paragraphs are plain text; the link is a button of its own. */
export interface Letter {
  subject: string;
  paragraphs: string[];
  link?: { label: string; url: string };
  after?: string[];
}

/** A notice of what happened: when (ISO 8601), from which address, and the detail of its kind. */
export type Notify = (at: string, ip: string | null, detail: string | null) => Letter;

type Sentence = string | ((detail: string | null) => string);

interface Parts {
  subject: string;
  /** What happened, with the time where the language puts it. */
  happened: (when: string) => string;
  more?: Sentence;
  /** What to do if the reader did not do it. */
  otherwise?: Sentence;
}

/**
 * How a language puts a notice together.
 *
 * @param whenAndWhere How the language says when something happened, and from which address.
 * @param notYou What to do if the reader did not do it, unless the notice has a sentence of its own.
 */
export function noticesIn(
  whenAndWhere: (at: string, ip: string | null) => string,
  notYou: string,
): (parts: Parts) => Notify {
  return ({ subject, happened, more = "", otherwise = notYou }) =>
    (at, ip, detail) => {
      const said = (sentence: Sentence) =>
        typeof sentence === "string" ? sentence : sentence(detail);
      return {
        subject,
        paragraphs: [`${happened(whenAndWhere(at, ip))} ${said(more)}`.trim()],
        after: [said(otherwise)],
      };
    };
}
