/** What a mail says. Paragraphs are plain text; the link is a button of its own. */
export interface Letter {
  subject: string;
  paragraphs: string[];
  link?: { label: string; url: string };
  after?: string[];
}

/** Of what happened to somebody's sign-in: when (ISO 8601), from where, and what is told besides. */
export type Notify = (at: string, ip: string | null, detail: string | null) => Letter;

interface Telling {
  subject: string;
  /** What happened: where the time stands in a sentence is for the language to say. */
  told: (when: string) => string;
  more?: string | ((detail: string | null) => string);
  otherwise?: string;
}

/** How a language puts notices together, by how it says when and from where something was. */
export function noticesIn(
  whenAndWhere: (at: string, ip: string | null) => string,
  notYou: string,
): (telling: Telling) => Notify {
  return ({ subject, told, more = "", otherwise = notYou }) =>
    (at, ip, detail) => {
      const besides = typeof more === "string" ? more : more(detail);
      return {
        subject,
        paragraphs: [`${told(whenAndWhere(at, ip))} ${besides}`.trim()],
        after: [otherwise],
      };
    };
}
