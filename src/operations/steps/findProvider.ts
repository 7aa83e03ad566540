import type { Context } from "../../context/context";
import type { SocialProvider } from "../../entities/Identity";
import { Refusal, Refused } from "../../errors";
import { PROVIDER_NAMES, type SocialClient } from "../../identity/providers";

/** The provider as it is configured. @throws Refused (BAD_USER_INPUT) for one that isn't. */
export function findProvider({ services }: Context, provider: SocialProvider): SocialClient {
  const client = services.social.find((one) => one.provider === provider);
  if (client) return client;
  const message = `Nobody signs in with ${PROVIDER_NAMES[provider]} here. Choose one of \`socialProviders\`.`;
  throw new Refused(Refusal.BAD_USER_INPUT, message, ["provider"]);
}
