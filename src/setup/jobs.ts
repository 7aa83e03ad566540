import { Logger, run, type TaskList } from "graphile-worker";
import type { Logger as Pino } from "pino";
import type { Config } from "./config";
import type { Database } from "../database/database";
import { jobPool } from "../database/dataSource";
import { type Mail, MAIL_TASK } from "../mails/queueMail";
import type { Mailer } from "../mails/mailer";
import { sendMail } from "../mails/sendMail";

export function tasks(db: Database, mailer: Mailer, { appUrl }: Pick<Config, "appUrl">): TaskList {
  return { [MAIL_TASK]: (mail) => sendMail({ db, mailer, appUrl }, mail as Mail) };
}

/**
 * Works off what transactions have queued, here and on any other node. What fails is tried again
 * later and later, and is told at `error` each time; gives how to stop.
 */
export async function startJobs(
  url: string,
  list: TaskList,
  log: Pino,
): Promise<() => Promise<void>> {
  const pgPool = jobPool(url);
  // Of the worker's own words only what went wrong; of jobs, below.
  const logger = new Logger(() => (level, message) => {
    if (String(level) === "error" && !message.startsWith("Failed task"))
      log.error({ worker: message });
  });
  const runner = await run({
    pgPool,
    taskList: list,
    logger,
    concurrency: 2,
    noHandleSignals: true,
    parsedCronItems: [],
  });
  runner.events.on("job:error", ({ job, error }) => {
    const { id, task_identifier: task, attempts, max_attempts: of } = job;
    const left = of - attempts;
    log.error(
      { job: id, task, attempts, left, err: error },
      left ? "a job failed, and is tried again" : "a job failed for good",
    );
  });
  return async () => {
    await runner.stop();
    await pgPool.end();
  };
}
