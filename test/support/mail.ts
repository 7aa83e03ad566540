import { Logger, runOnce } from "graphile-worker";
import { type ParsedMail, simpleParser } from "mailparser";
import { SMTPServer } from "smtp-server";
import { jobPool } from "../../src/database/dataSource";
import { tasks } from "../../src/setup/jobs";
import type { Language } from "../../src/mails/languages";
import type { Letter } from "../../src/mails/letter";
import { type Mailer, smtpMailer } from "../../src/mails/mailer";
import { db, sqlAsOwner, url } from "./database";

export const APP_URL = "https://app.example.com";

const inbox: ParsedMail[] = [];
let server: SMTPServer;
let mailer: Mailer;
/** What the server answers instead of taking the next mail. */
let refusing: Error | null = null;

/** A real SMTP server that keeps what arrives. For `beforeAll`; undone by itself. */
export async function useMail(): Promise<void> {
  server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS"],
    logger: false,
    onData: (stream, _session, done) => {
      void simpleParser(stream).then((mail) => {
        const failure = refusing;
        refusing = null;
        if (!failure) inbox.push(mail);
        done(failure);
      });
    },
  });
  await new Promise<void>((go) => server.listen(0, "127.0.0.1", go));
  const { port } = server.server.address() as { port: number };
  mailer = smtpMailer(`smtp://127.0.0.1:${port}`, "Gatehouse <gatehouse@example.com>");
}

afterAll(async () => {
  mailer?.close();
  if (server) await new Promise<void>((go) => server.close(() => go()));
});

/** Has the server answer 451 to the next mail (RFC 5321, section 4.2.3: try again later). */
export function refuseNextMail(): void {
  refusing = Object.assign(new Error("Try again later"), { responseCode: 451 });
}

/** Sends all mail that is due, as the worker does, and gives what arrived. */
export async function deliver(): Promise<ParsedMail[]> {
  inbox.length = 0;
  const pgPool = jobPool(url);
  await runOnce({
    pgPool,
    taskList: tasks(db, mailer, { appUrl: APP_URL }),
    logger: new Logger(() => () => undefined),
    noHandleSignals: true,
  });
  await pgPool.end();
  return [...inbox];
}

/** Sends a letter by itself, and gives what arrived. */
export async function post(language: Language, letter: Letter): Promise<ParsedMail> {
  inbox.length = 0;
  await mailer.send("ada@example.com", language, letter);
  return inbox[0]!;
}

/** Has what waits be due now: a notice of guesses, and what failed and is to be tried again. */
export function hurry(): Promise<unknown> {
  return sqlAsOwner("update graphile_worker._private_jobs set run_at = now()");
}

/** The token in the link of a mail. */
export function tokenIn(mail: ParsedMail | undefined): string {
  const [, token] = /#token=(\S+)/.exec(mail?.text ?? "") ?? [];
  if (!token) throw new Error(`There is no link in: ${mail?.text}`);
  return token;
}

export const recipient = ({ to }: ParsedMail) => (Array.isArray(to) ? to[0] : to)?.text;
