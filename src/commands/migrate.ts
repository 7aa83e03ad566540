import { readConfig } from "../setup/config";
import { assertMade, bringUpToDate, openDatabase } from "../setup/openDatabase";
import { withStops } from "./asOperator";
import { command } from "./command";

export const migrateCommand = command({
  does: "migrates the database, so that it is up to date",
  run: (_, terminal) =>
    withStops(terminal, async (stops) => {
      const { env, log, interrupted } = terminal;
      const config = readConfig(env);
      if (!config.migrationUrl) assertMade(config);
      const { migrationUrl } = config;
      const urls = migrationUrl
        ? { migrateUrl: migrationUrl }
        : await openDatabase(config, { stops, log, interrupted });
      await bringUpToDate(urls);
      const which = migrationUrl ? "database" : `database in ${config.dataDirectory}`;
      terminal.say(`The ${which} is up to date.`);
    }),
});
