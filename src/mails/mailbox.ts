import addressparser from "nodemailer/lib/addressparser";

/** Whether a text is one address, or `Name <address>`. The parser is the one that nodemailer sends with. */
export function isMailbox(text: string): boolean {
  const [one, ...others] = addressparser(text);
  return !others.length && /^[^\s@]+@[^\s@]+$/.test(one?.address ?? "");
}
