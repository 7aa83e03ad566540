import { randomBytes } from "node:crypto";
import { text } from "node:stream/consumers";
import { createAdministrator } from "../operations/users/createAdministrator";
import { asOperator } from "./asOperator";
import { command } from "./command";

export const createAdministratorCommand = command({
  does: "creates the first user, and an account that they administer",
  needs: { email: "EMAIL", name: "NAME", account: "NAME" },
  switches: ["password-stdin"],
  async run({ "password-stdin": piped, ...input }, terminal) {
    const password = piped
      ? (await text(terminal.stdin)).replace(/\r?\n$/, "")
      : randomBytes(18).toString("base64url");
    const { user, account } = await asOperator(
      terminal,
      (ctx) => createAdministrator(ctx, { ...input, password }),
      { make: true },
    );
    terminal.say(`Created ${user.email}, the administrator of "${account.name}" (${account.id}).`);
    if (!piped) terminal.say(`Their password, which is shown this once: ${password}`);
  },
});
