import addressparser from "nodemailer/lib/addressparser";

/** Whether it is one address, or `Name <address>`: read as a mail's sender will be read. */
export function isMailbox(text: string): boolean {
  const [one, ...others] = addressparser(text);
  return !others.length && /^[^\s@]+@[^\s@]+$/.test(one?.address ?? "");
}
