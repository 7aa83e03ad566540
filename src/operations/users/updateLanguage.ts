import type { Context } from "../../context/context";
import { Refusal, Refused } from "../../errors";
import { isLanguage, type Language, LANGUAGES } from "../../mails/languages";
import { lockSelf } from "../steps/lockSelf";

/**
 * Changes the language of mails to the caller, those that are queued included. It records nothing where
 * the caller has that language already.
 *
 * @throws Forbidden for an API key.
 * @throws Refused (BAD_USER_INPUT) for a language without mails.
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
