import { Field, ID, InterfaceType } from "type-graphql";

@InterfaceType("Principal", {
  description: "A user, or a service user of an account.",
})
export abstract class PrincipalInterface {
  @Field(() => ID)
  id: string;

  @Field(() => String, { description: "Name of the principal, as people see it." })
  name: string;
}
