import type { JobAccepted, JobView } from './contracts.ts'

/** The payload and the result of one job type. */
export interface JobType {
  payload: unknown
  result: unknown
}

/** Any map of type names to JobType, also an interface, which has no index signature. */
export type JobTypes<Types> = { [Name in keyof Types]: JobType }

/** Without a map of your own: any type, any payload, any result. */
export type AnyJobTypes = Record<string, JobType>

export type TypeName<Types> = keyof Types & string

type PartOf<Types, Type extends keyof Types, Part extends keyof JobType> = Types[Type] extends JobType
  ? Types[Type][Part]
  : unknown

export type PayloadOf<Types, Type extends keyof Types> = PartOf<Types, Type, 'payload'>
export type ResultOf<Types, Type extends keyof Types> = PartOf<Types, Type, 'result'>

/**
 * A job as GET shows it; for several types a union that `type` tells apart. `result` is null until the job has
 * finished.
 */
export type JobOf<Types, Type extends TypeName<Types> = TypeName<Types>> = {
  [Name in Type]: Omit<JobView, 'type' | 'payload' | 'result'> & {
    type: Name
    payload: PayloadOf<Types, Name>
    result: ResultOf<Types, Name> | null
  }
}[Type]

/** The answer when a job was accepted. */
export type AcceptedOf<Type extends string> = Omit<JobAccepted, 'type'> & { type: Type }
