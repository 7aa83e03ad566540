import { rotateKeys } from "../operations/authenticators/rotateKeys";
import { keyProblem, secrets } from "../setup/check";
import { asOperator } from "./asOperator";
import { command } from "./command";

export const rotateKeysCommand = command({
  does: "encrypts every secret with the first of the configured keys",
  run: (_, terminal) =>
    asOperator(terminal, async (ctx) => {
      const { done, left } = await rotateKeys(ctx);
      const { currentId } = ctx.services.keyring;
      terminal.say(`Encrypted ${secrets(done)} with the key "${currentId}".`);
      for (const key of left) terminal.log(keyProblem(key));
      if (left.length) return 1;
      terminal.say(
        "No secret needs another key. GATEHOUSE_ENCRYPTION_KEYS can do without the others now.",
      );
      return 0;
    }),
});
