import { Field, GraphQLISODateTime, ID } from "type-graphql";
import { Column, PrimaryColumn, type ColumnOptions } from "typeorm";

/** IDs are compared byte by byte, so they sort the same on every machine. */
const ID_COLUMN = { type: "text", collation: "C" } as const;

/** The row's own id, shown to clients as it is stored. */
export function Id(): PropertyDecorator {
  return (target, property) => {
    PrimaryColumn(ID_COLUMN)(target, property);
    Field(() => ID, { simple: true })(target, property);
  };
}

/** The account that owns the row: the first half of its key, and never shown. */
export function AccountId(): PropertyDecorator {
  return PrimaryColumn(ID_COLUMN);
}

/** The id of another row. Clients follow it through a field resolver; they never see it. */
export function Reference(options: { nullable?: true } = {}): PropertyDecorator {
  return Column({ ...ID_COLUMN, nullable: options.nullable ?? false });
}

/** A moment, shown to clients. Nullable unless `always` is set, as most have not come yet. */
export function Moment(options: { description: string; always?: true }): PropertyDecorator {
  const nullable = !options.always;
  return (target, property) => {
    Column({ type: "timestamptz", precision: 3, nullable })(target, property);
    Field(() => GraphQLISODateTime, { nullable, description: options.description, simple: true })(
      target,
      property,
    );
  };
}

/** Text, shown to clients. */
export function Text(options: { description: string; nullable?: true }): PropertyDecorator {
  const nullable = options.nullable ?? false;
  return (target, property) => {
    Column({ type: "text", nullable })(target, property);
    Field(() => String, { nullable, description: options.description, simple: true })(
      target,
      property,
    );
  };
}

/** One word of a closed set, stored as the graph shows it (a CHECK holds the set). */
export function Word(
  type: () => object,
  options: { description: string; nullable?: true },
): PropertyDecorator {
  const nullable = options.nullable ?? false;
  return (target, property) => {
    Column({ type: "text", nullable })(target, property);
    Field(type, { nullable, description: options.description, simple: true })(target, property);
  };
}

/** A yes or no, shown to clients. */
export function Flag(options: { description: string; default?: false }): PropertyDecorator {
  return (target, property) => {
    Column({ type: "boolean", default: options.default })(target, property);
    Field(() => Boolean, { description: options.description, simple: true })(target, property);
  };
}

/** A column that is no field. A field resolver may show it. */
export function Hidden(
  options: ColumnOptions & { type: ColumnOptions["type"] },
): PropertyDecorator {
  return Column(options as ColumnOptions);
}

/** A hash or ciphertext. Only a query that names it selects it, and the schema never shows it. */
export function Secret(options: ColumnOptions): PropertyDecorator {
  return Column({ ...options, select: false });
}
