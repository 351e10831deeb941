import { JOBS_STREAM } from '#shared/contracts/log/subjects.ts'

export const streamInfoSubject = (stream: string): string => `$JS.API.STREAM.INFO.${stream}`
export const consumerInfoSubject = (consumer: string): string => `$JS.API.CONSUMER.INFO.${JOBS_STREAM}.${consumer}`
