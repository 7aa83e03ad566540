import { ObjectType, registerEnumType } from "type-graphql";
import { Entity, ForeignKey, Index, Unique } from "typeorm";
import { Hidden, Id, Moment, Reference, Text, Word } from "./columns";
import { Node } from "./Node";
import { User } from "./User";

/** Who may say who somebody is, for the whole server. Each is a `SignInMethod` of that name. */
export enum SocialProvider {
  GITHUB = "GITHUB",
  GOOGLE = "GOOGLE",
}
registerEnumType(SocialProvider, {
  name: "SocialProvider",
  description: "Through whom people sign in without a password.",
  valuesConfig: {
    GITHUB: { description: "GitHub, or a GitHub Enterprise Server." },
    GOOGLE: { description: "Google." },
  },
});

/**
 * Who a person is at GitHub or Google. It is told again by the provider's subject alone, which
 * never changes hands; the email there may, and opens nothing (U8).
 */
@ObjectType({
  description: "Who you are at GitHub or Google, and sign in as.",
  implements: Node,
})
@Entity("identities")
@Index(["userId", "id"])
@Unique(["provider", "subject"])
@ForeignKey(() => User, ["userId"], ["id"])
export class Identity {
  @Id()
  id: string;

  @Reference()
  userId: string;

  @Word(() => SocialProvider, { description: "Provider who says who you are." })
  provider: SocialProvider;

  /** The provider's own name for the person: a number at GitHub, `sub` in OpenID Connect. */
  @Hidden({ type: "text" })
  subject: string;

  @Text({ nullable: true, description: "Email address there when it was linked, as they told it." })
  email: string | null;

  @Moment({ description: "Timestamp of when you last signed in with it." })
  lastUsedAt: Date | null;

  @Moment({ always: true, description: "Timestamp of when it was linked." })
  createdAt: Date;
}
