import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createTransport } from "nodemailer";
import { typeid } from "typeid-js";
import type { Language } from "./languages";
import { layout } from "./layout";
import type { Letter } from "./letter";

export interface Mailer {
  send(to: string, language: Language, letter: Letter): Promise<void>;
  close(): void;
}

const TIMEOUT_MS = 20_000;

function smtpTransport(url: string) {
  const { protocol, hostname, port, username, password } = new URL(url);
  const secure = protocol === "smtps:";
  return createTransport({
    host: hostname,
    port: Number(port) || (secure ? 465 : 587),
    secure,
    ...(username && {
      auth: { user: decodeURIComponent(username), pass: decodeURIComponent(password) },
      requireTLS: !secure, // a password never travels in the clear
    }),
    pool: true,
    maxConnections: 2,
    connectionTimeout: TIMEOUT_MS,
    greetingTimeout: TIMEOUT_MS,
    socketTimeout: TIMEOUT_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
}

/** Mails by SMTP (RFC 5321), through the server that the URL names. */
export function smtpMailer(url: string, from: string): Mailer {
  const transport = smtpTransport(url);
  return {
    async send(to, language, letter) {
      await transport.sendMail(message(from, to, language, letter));
    },
    close: () => transport.close(),
  };
}

/** Connects and signs in to the server that the URL names, and mails nothing. @throws Error. */
export async function verifySmtp(url: string): Promise<void> {
  const transport = smtpTransport(url);
  try {
    await transport.verify();
  } finally {
    transport.close();
  }
}

/** Writes mails as .eml files to a folder, for development, and prints the link of each. */
export function folderMailer(folder: string, from: string, tell: (text: string) => void): Mailer {
  const transport = createTransport({ streamTransport: true, buffer: true });
  return {
    async send(to, language, letter) {
      const { message: bytes } = await transport.sendMail(message(from, to, language, letter));
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const file = join(folder, `${typeid("mail").toString()}.eml`);
      await writeFile(file, bytes as Buffer, { mode: 0o600 });
      tell(
        `Mail to ${to}: ${letter.subject} (${file})${letter.link ? `\n  ${letter.link.url}` : ""}`,
      );
    },
    close: () => transport.close(),
  };
}

function message(from: string, to: string, language: Language, letter: Letter) {
  // An object: nodemailer would read a text with a comma as several addresses.
  const address = { name: "", address: to };
  // RFC 3834, section 5: holiday replies are not sent to such a mail.
  // RFC 3282: a screen reader reads the mail out in its language.
  const headers = { "Auto-Submitted": "auto-generated", "Content-Language": language };
  return { from, to: address, subject: letter.subject, headers, ...layout(language, letter) };
}
