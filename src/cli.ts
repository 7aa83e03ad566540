import "reflect-metadata";
import { readConfig } from "./config";
import { migrate } from "./database/migrate";
import { policyTable } from "./policies/table";
import { printedSchema } from "./schema";

const COMMANDS: Record<string, () => Promise<void> | void> = {
  /** Brings the database that DATABASE_MIGRATION_URL or DATABASE_URL names up to date. */
  async migrate() {
    const { migrationUrl } = readConfig(process.env);
    if (!migrationUrl) throw new Error("Set DATABASE_URL. The embedded database migrates itself.");
    await migrate(migrationUrl);
  },
  schema: () => void process.stdout.write(printedSchema()),
  policy: () => void process.stdout.write(policyTable()),
};

const command = COMMANDS[process.argv[2] ?? ""];
if (!command) {
  process.stderr.write(`Usage: cli.js ${Object.keys(COMMANDS).join(" | ")}\n`);
  process.exit(2);
}
Promise.resolve()
  .then(command)
  .catch((error: unknown) => {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exit(1);
  });
