import { all, any, sql } from "../database/sql";
import { User } from "../entities/User";
import { emailFrom } from "../operations/steps/emailFrom";
import { asOperator } from "./asOperator";
import { command } from "./command";
import { contains, type Format, idFrom, limitFrom, LISTING, pages, printRows } from "./listing";

const format: Format<User> = {
  json: (user) => ({ ...user }),
  columns: {
    id: ({ id }) => id,
    email: ({ email }) => email,
    name: ({ name }) => name,
    created: ({ createdAt }) => createdAt,
    verified: ({ emailVerifiedAt }) => emailVerifiedAt,
    "two-factor": ({ mfaEnabledAt }) => mfaEnabledAt,
  },
};

export const usersCommand = command({
  does: "lists users, the latest first",
  takes: { email: "EMAIL", text: "PART-OF-NAME-OR-EMAIL", id: "ID", ...LISTING },
  switches: ["json"],
  run({ email, text, id, limit: most, json: asJson }, terminal) {
    const limit = limitFrom(most);
    const where = all([
      ...(email === undefined ? [] : [sql`row.email = ${emailFrom(email, ["email"])}`]),
      ...(text === undefined ? [] : [any([contains("name", text), contains("email", text)])]),
      ...(id === undefined ? [] : [sql`row.id = ${idFrom("id", id, "User")}`]),
    ]);
    return asOperator(terminal, (ctx) =>
      printRows(terminal, pages(ctx, User, { where, limit }), { ...format, asJson }),
    );
  },
});
