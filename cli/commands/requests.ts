import type { Command } from 'commander'
import { type NewRequest, type RequestSummary, type RequestView, RequestWaitTimeout } from '../../client/index.ts'
import type { CommandContext, Run } from '../command-context.ts'
import { durationOption } from '../duration-option.ts'
import { eachOf } from '../each-of.ts'
import { EXIT } from '../explain-error.ts'
import { firstOf } from '../first-of.ts'
import { noteAge, type StoreAge } from '../note-age.ts'
import { paintStatus } from '../paint-status.ts'
import { parseJson, parseList, parseWhole } from '../parse.ts'
import { readJsonFile } from '../read-text.ts'
import { headLine, stepLines } from '../request-lines.ts'
import { formatTable } from '../table.ts'

interface CreateFlags {
  wait?: number
  idempotencyKey?: string
}

interface ListFlags {
  status?: RequestView['status'][]
  limit: number
}

const PAGE_MAX = 200

/** Commands about requests: steps one after another, the jobs of each step at the same time. */
export function defineRequests(requests: Command, run: Run): void {
  requests
    .command('create')
    .description('create a request and print its id')
    .argument('<file>', 'JSON with steps or definition, and params; - reads stdin')
    .addOption(durationOption('--wait <duration>', 'how long to wait for the end'))
    .option('--idempotency-key <key>', 'repeating a key returns the same request')
    .addHelpText('after', '\nExample:\n  hasty requests create order.json --wait 1m')
    .action(run(create))

  requests
    .command('get')
    .description('show a request with its steps and jobs')
    .argument('<id>', 'request id')
    .action(run(async (context, id: string) => show(context, await context.client.getRequest(id, context))))

  requests
    .command('list')
    .description('list requests, newest first')
    .option(
      '--status <status>',
      'queuing, inprogress, completed, failed or cancelled; separate several with commas',
      parseList,
    )
    .option('--limit <count>', 'maximum number to list', parseWhole(1, 1_000_000), 50)
    .action(run(list))

  requests
    .command('cancel')
    .description('cancel requests')
    .argument('<id...>', 'request ids')
    .option('--reason <text>', 'reason to record')
    .action(
      run(async (context, ids: string[], { reason }: { reason?: string }) => {
        const { client, signal } = context
        return eachOf(context, ids, async (id) => tell(context, await client.cancelRequest(id, { reason, signal })))
      }),
    )

  requests
    .command('retry')
    .description('retry failed or cancelled requests at the step where they stopped')
    .argument('<id...>', 'request ids')
    .action(
      run(async (context, ids: string[]) => {
        const { client, signal } = context
        return eachOf(context, ids, async (id) => tell(context, await client.retryRequest(id, { signal })))
      }),
    )

  requests
    .command('signal')
    .description('send a signal to a request')
    .argument('<id>', 'request id')
    .argument('<name>', 'name of the signal')
    .option('--extras <json>', 'JSON object to merge into the extras of the request', parseJson)
    .action(run(sendSignal))
}

async function sendSignal(
  context: CommandContext,
  id: string,
  name: string,
  { extras }: { extras?: Record<string, unknown> },
): Promise<void> {
  const { client, signal } = context
  tell(context, await client.signalRequest(id, name, { extras, signal }))
}

/** @returns the exit code */
async function create(context: CommandContext, file: string, flags: CreateFlags): Promise<number> {
  const { client, out, signal } = context
  const { wait: waitMs, idempotencyKey } = flags
  const body = (await readJsonFile(context, file)) as NewRequest
  const accepted = await client.createRequest(body, { idempotencyKey, signal })
  if (waitMs === undefined) {
    if (out.json) out.record(accepted)
    else out.line(accepted.request_id)
    return EXIT.ok
  }
  const ended = await client.waitRequest(accepted.request_id, { waitMs, signal }).catch((error: unknown) => {
    // After a timeout the caller still needs the id.
    if (error instanceof RequestWaitTimeout) tell(context, error.request)
    throw error
  })
  show(context, ended)
  return ended.status === 'completed' ? EXIT.ok : EXIT.failed
}

function tell({ out }: CommandContext, request: RequestView): void {
  if (out.json) out.record(request)
  else out.line(headLine(request, paintStatus(out, request.status)))
}

/** Shows the request, and each step with its jobs below it. */
function show(context: CommandContext, request: RequestView): void {
  tell(context, request)
  const { out } = context
  if (out.json) return
  for (const line of stepLines(request)) out.line(line)
  out.line(`  extras: ${JSON.stringify(request.extras)}`)
  if (request.error !== null) out.line(`  error: ${request.error.message}`)
}

async function list({ client, out, signal }: CommandContext, { status, limit }: ListFlags): Promise<void> {
  const requests: RequestSummary[] = []
  let age: StoreAge | undefined
  const onPage = (page: StoreAge) => (age ??= page)
  const options = { status, limit: Math.min(limit, PAGE_MAX), signal, onPage }
  for await (const request of firstOf(client.listRequests(options), limit)) {
    if (out.json) out.record(request)
    else requests.push(request)
  }
  noteAge(out, age)
  if (out.json) return
  if (requests.length === 0) {
    out.note('No requests match.')
    return
  }
  const rows = requests.map(({ request_id: id, status: shown, round, step, created_at: at, name, error }) => [
    id,
    shown,
    String(round),
    step ?? '',
    at,
    name ?? '',
    error?.message.replaceAll(/\s+/g, ' ') ?? '',
  ])
  const [heading = '', ...lines] = formatTable(
    ['ID', 'STATUS', 'ROUND', 'STEP', 'CREATED', 'NAME', 'NOTE'],
    rows,
    out.columns,
  )
  out.line(out.paint('bold', heading))
  for (const line of lines) out.line(line)
}
