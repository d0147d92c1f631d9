// How an operation describes what it takes, as a table of fields, and the type that follows from
// it.

interface Presence {
  readonly required?: true
}

export interface StringField extends Presence {
  readonly type: 'string'
  /** In Unicode characters. */
  readonly min?: number
  readonly max?: number
  /** As the service prints it; the whole text must match. */
  readonly pattern?: string
  readonly oneOf?: readonly string[]
}

export interface IntegerField extends Presence {
  readonly type: 'integer'
  readonly min?: number
  readonly max?: number
}

export interface BlobField extends Presence {
  readonly type: 'blob'
  readonly max?: number
}

export interface PlainField extends Presence {
  readonly type: 'boolean' | 'timestamp'
}

export interface TextMapField extends Presence {
  readonly type: 'text-map'
  readonly max?: number
  readonly keyLength: LengthRange
  readonly valueLength: LengthRange
}

/** In Unicode characters. */
export interface LengthRange {
  readonly min: number
  readonly max: number
}

export interface StructureField extends Presence {
  readonly type: 'structure'
  readonly fields: Fields
}

export interface ListField extends Presence {
  readonly type: 'list'
  readonly min?: number
  readonly max?: number
  /** What the service calls a member when it prints the list. */
  readonly memberName: string
  readonly member: StructureField
}

export type Field =
  | StringField
  | IntegerField
  | BlobField
  | PlainField
  | TextMapField
  | StructureField
  | ListField

export type Fields = { readonly [name: string]: Field }

/** The value of a field that is there. Timestamps are milliseconds since 1970, blobs are bytes. */
export type ValueOf<F extends Field> = F extends StringField
  ? string
  : F extends IntegerField
    ? number
    : F extends BlobField
      ? Buffer
      : F extends StructureField
        ? InputOf<F['fields']>
        : F extends ListField
          ? readonly ValueOf<F['member']>[]
          : F extends TextMapField
            ? Readonly<Record<string, string>>
            : F extends { type: 'boolean' }
              ? boolean
              : number

/** What an operation gets: null stands for what was not there. */
export type InputOf<T extends Fields> = {
  readonly [K in keyof T]: T[K] extends { required: true } ? ValueOf<T[K]> : ValueOf<T[K]> | null
}

/** Turns what a format leaves open into values: bytes and instants differ between JSON and CBOR. */
export interface FormatReader {
  /** Null when the value is none; throws a `ServiceError` that says what is wrong with a text. */
  blob(value: unknown): Buffer | null
  /** Milliseconds, or null when the value is no instant. */
  timestamp(value: unknown): number | null
}

/** The value of a structure, before it is known to be one of a certain type. */
export type Value = Record<string, unknown>
