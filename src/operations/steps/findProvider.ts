import type { Context } from "../../context/context";
import type { SocialProvider } from "../../entities/Identity";
import { Refusal, Refused } from "../../errors";
import { PROVIDER_NAMES, type SocialClient } from "../../identity/providers";

/** The client of a provider. @throws Refused (BAD_USER_INPUT) where the operator has configured none. */
export function findProvider({ services }: Context, provider: SocialProvider): SocialClient {
  const client = services.social.find((one) => one.provider === provider);
  if (client) return client;
  const message = `This server has no sign-in with ${PROVIDER_NAMES[provider]}. Choose one of \`socialProviders\`.`;
  throw new Refused(Refusal.BAD_USER_INPUT, message, ["provider"]);
}
