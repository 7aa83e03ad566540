import type { Context } from "../../context/context";
import { Refusal, Refused } from "../../errors";
import { isLanguage, type Language, LANGUAGES } from "../../mails/languages";
import { lockSelf } from "../steps/lockSelf";

/**
 * Changes the language that mails to the caller are in from now on, those that wait included. Giving
 * the one that they have changes nothing and records nothing.
 *
 * @throws Forbidden for an API key.
 * @throws Refused (BAD_USER_INPUT) for a language that no mails are written in.
 */
export async function updateLanguage(ctx: Context, tag: string): Promise<Language> {
  return ctx.self.transaction(async (tx) => {
    const user = await lockSelf(tx);
    if (!isLanguage(tag)) {
      const message = `There are no mails in this language. Choose one of ${LANGUAGES.join(", ")}.`;
      throw new Refused(Refusal.BAD_USER_INPUT, message, ["language"]);
    }
    if (user.language === tag) return tag;
    user.language = tag;
    await tx.save(user);
    await tx.record("user_language_updated.v1", user);
    return tag;
  });
}
