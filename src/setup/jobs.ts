import { Logger, parseCronItems, run, type TaskList } from "graphile-worker";
import type { Logger as Pino } from "pino";
import type { Config } from "./config";
import type { Database } from "../database/database";
import { jobPool } from "../database/dataSource";
import { MAIL_TASK, type QueuedMail } from "../mails/queueMail";
import type { Mailer } from "../mails/mailer";
import { sendMail } from "../mails/sendMail";
import { sweep } from "./sweep";

const SWEEP_TASK = "sweep";

/**
 * Jobs that run by the clock. One of all nodes queues each run, and its queue runs one job at a time. Runs
 * that were missed are skipped: the next run deletes the same rows.
 */
const CRON = parseCronItems([
  {
    task: SWEEP_TASK,
    match: "*/10 * * * *",
    options: { queueName: SWEEP_TASK, maxAttempts: 1, backfillPeriod: 0 },
  },
]);

export function tasks(db: Database, mailer: Mailer, { appUrl }: Pick<Config, "appUrl">): TaskList {
  return {
    [MAIL_TASK]: (mail, { job }) =>
      sendMail({ db, mailer, appUrl, firstTry: job.attempts === 1 }, mail as QueuedMail),
    [SWEEP_TASK]: async () => void (await sweep(db)),
  };
}

/**
 * Runs the jobs that transactions have queued, and those by the clock. Other nodes may run them too. A mail
 * that fails is tried again, each time after a longer wait. Each failure is logged at `error`. Returns the
 * function that stops it.
 */
export async function startJobs(
  url: string,
  list: TaskList,
  log: Pino,
): Promise<() => Promise<void>> {
  const pgPool = jobPool(url);
  // Only the worker's own errors. Failures of jobs are logged below.
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
    parsedCronItems: CRON,
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
