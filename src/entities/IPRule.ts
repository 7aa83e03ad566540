import { Field, Int, ObjectType, registerEnumType } from "type-graphql";
import { Entity, ForeignKey, PrimaryColumn } from "typeorm";
import { AccountId, Hidden, Text, Word } from "./columns";
import { IPRestriction } from "./IPRestriction";

export enum IPRuleEffect {
  ALLOW = "ALLOW",
  DENY = "DENY",
}
registerEnumType(IPRuleEffect, {
  name: "IPRuleEffect",
  description: "What a rule says of the addresses in its range.",
  valuesConfig: {
    ALLOW: { description: "They may, and what no rule allows may not." },
    DENY: { description: "They may not, whatever other rules say." },
  },
});

/** One line of an IP restriction. */
@ObjectType({ description: "A line of an IP restriction." })
@Entity("ip_rules")
@ForeignKey(() => IPRestriction, ["accountId", "ipRestrictionId"], ["accountId", "id"])
export class IPRule {
  @AccountId()
  accountId: string;

  @PrimaryColumn({ type: "text", collation: "C" })
  ipRestrictionId: string;

  @Field(() => Int, { description: "Place in the list, from 1." })
  @PrimaryColumn({ type: "integer" })
  position: number;

  @Field(() => String, { description: "Range of addresses, such as `203.0.113.0/24`." })
  @Hidden({ type: "cidr" })
  range: string;

  @Word(() => IPRuleEffect, { description: "What the rule says of these addresses." })
  effect: IPRuleEffect;

  @Text({ description: "Whose addresses they are." })
  description: string;
}
