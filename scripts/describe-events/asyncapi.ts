import { z } from 'zod'
import { CONTRACT_VERSION, HEADERS, jobEventSchema } from '#shared/contracts/log/events.ts'
import { PRIORITIES } from '#shared/contracts/log/job.ts'
import { JOBS_STREAM, LIVE_PREFIX } from '#shared/contracts/log/subjects.ts'

const SUMMARIES: Record<string, string> = {
  'job:created': 'A job may start now: it was accepted, retried by an operator, or rescheduled to now',
  'job:scheduled': 'A job waits for its start time',
  'job:started': 'An attempt began; its sequence in the log is the fencing token, unless it names another',
  'job:progress': 'A handler reported its progress',
  'job:retrying': 'An attempt failed, and another will follow',
  'job:released': 'A stopping worker handed the job back: no attempt is used up',
  'job:finished': 'The job returned a result',
  'job:cancelled': 'The job was cancelled: on request, or by its timeout',
  'job:failed': 'The job failed permanently',
}

const headersSchema = z.object({
  [HEADERS.nonce]: z.string().meta({ description: 'New for each publish' }),
  [HEADERS.contract]: z.string().meta({ description: `Version of these schemas: ${CONTRACT_VERSION}` }),
  [HEADERS.requestId]: z.string().optional().meta({ description: 'The HTTP request that caused the event' }),
  [HEADERS.changeKey]: z.string().optional().meta({ description: "A hash of that request's Idempotency-Key" }),
  [HEADERS.traceparent]: z.string().optional().meta({ description: 'W3C trace context' }),
})

/** The AsyncAPI document of the stream's history events. */
export function describeEvents(): Record<string, unknown> {
  const events = jobEventSchema.options.map((schema) => ({ name: schema.shape.event.value, schema }))
  const key = (name: string) => name.replace(':', '_')
  return {
    asyncapi: '3.1.0',
    info: {
      title: 'Hasty: events of the log',
      version: String(CONTRACT_VERSION),
      description:
        `The content of the JetStream stream ${JOBS_STREAM}. Every event after the first is stored by compare-and-set on the ` +
        `job's whole history. Stored events are republished below \`${LIVE_PREFIX}\`: listen there, or read the stream; on the ` +
        'subjects themselves refused events show too. Readers keep members they do not know.',
      license: { name: 'MIT' },
    },
    defaultContentType: 'application/json',
    channels: Object.fromEntries(
      events.map(({ name }) => [
        key(name),
        {
          address: `${LIVE_PREFIX}${name}.{type}.{priority}.{job_id}`,
          summary: SUMMARIES[name],
          parameters: {
            type: { description: 'The job type' },
            priority: { enum: [...PRIORITIES] },
            job_id: { description: 'The id of the job' },
          },
          messages: { [key(name)]: { $ref: `#/components/messages/${key(name)}` } },
        },
      ]),
    ),
    operations: Object.fromEntries(
      events.map(({ name }) => [key(name), { action: 'send', channel: { $ref: `#/channels/${key(name)}` } }]),
    ),
    components: {
      messages: Object.fromEntries(
        events.map(({ name, schema }) => [
          key(name),
          {
            name,
            title: name,
            summary: SUMMARIES[name],
            headers: jsonSchemaOf(headersSchema),
            payload: jsonSchemaOf(schema),
          },
        ]),
      ),
    },
  }
}

function jsonSchemaOf(schema: z.ZodType): Record<string, unknown> {
  const { $schema: _dialect, ...json } = z.toJSONSchema(schema, { io: 'input' }) as Record<string, unknown>
  return json
}
