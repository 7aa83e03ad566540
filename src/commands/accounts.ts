import { all, sql } from "../database/sql";
import { Account } from "../entities/Account";
import { asOperator } from "./asOperator";
import { command } from "./command";
import { contains, type Format, idFrom, limitFrom, LISTING, pages, printRows } from "./listing";

const format: Format<Account> = {
  json: (account) => ({ ...account }),
  columns: {
    id: ({ id }) => id,
    name: ({ name }) => name,
    created: ({ createdAt }) => createdAt,
    deleted: ({ deletedAt }) => deletedAt,
  },
};

export const accountsCommand = command({
  does: "lists accounts, deleted ones too, the latest first",
  takes: { name: "PART-OF-NAME", id: "ID", ...LISTING },
  switches: ["json"],
  run({ name, id, limit: most, json: asJson }, terminal) {
    const limit = limitFrom(most);
    const where = all([
      ...(name === undefined ? [] : [contains("name", name)]),
      ...(id === undefined ? [] : [sql`row.id = ${idFrom("id", id, "Account")}`]),
    ]);
    return asOperator(terminal, (ctx) =>
      printRows(terminal, pages(ctx, Account, { where, limit }), { ...format, asJson }),
    );
  },
});
