import type { Command } from 'commander'
import type { NewSchedule, ScheduleSummary, ScheduleView } from '../../client/index.ts'
import type { CommandContext, Run } from '../command-context.ts'
import { eachOf } from '../each-of.ts'
import { firstOf } from '../first-of.ts'
import { listAll } from '../list-all.ts'
import { parseWhole } from '../parse.ts'
import { readJsonFile } from '../read-text.ts'
import { formatFields } from '../table.ts'

interface Flags {
  tenant?: string
}

/** Commands about schedules, which create jobs at times. */
export function defineSchedules(schedules: Command, run: Run): void {
  const add = (name: string, what: string) =>
    schedules
      .command(name)
      .description(what)
      .option('--tenant <tenant>', 'tenant of the schedule, for tokens bound to none')

  schedules
    .command('list')
    .description('list schedules by name')
    .option('--limit <count>', 'maximum number to list; all by default', parseWhole(1, 1_000_000))
    .action(run(list))

  add('get', 'show a schedule and its next run times').argument('<name>', 'schedule name').action(run(show))

  add('put', 'create or update a schedule')
    .argument('<name>', 'schedule name')
    .argument('<file>', 'JSON with cron or every_ms, and job; - reads stdin')
    .addHelpText('after', '\nExample:\n  hasty schedules put nightly-report nightly.json')
    .action(
      run(async (context, name: string, file: string, { tenant }: Flags) => {
        const { client, signal } = context
        // The server checks it.
        const schedule = (await readJsonFile(context, file)) as NewSchedule
        tell(context, await client.schedules.put(name, schedule, { tenant, signal }))
      }),
    )

  add('delete', 'delete schedules and keep their jobs').argument('<name...>', 'schedule names').action(run(remove))

  for (const verb of ['pause', 'resume'] as const)
    add(verb, `${verb} schedules`)
      .argument('<name...>', 'schedule names')
      .action(
        run(async (context, names: string[], { tenant }: Flags) => {
          const { client, signal } = context
          const change = async (name: string) => tell(context, await client.schedules[verb](name, { tenant, signal }))
          return eachOf(context, names, change)
        }),
      )

  add('trigger', 'create a job of a schedule now and print its id')
    .argument('<name>', 'schedule name')
    .option('--idempotency-key <key>', 'repeating a key returns the same job')
    .action(
      run(async ({ client, out, signal }, name: string, flags: Flags & { idempotencyKey?: string }) => {
        const accepted = await client.schedules.trigger(name, { ...flags, signal })
        if (out.json) out.record(accepted)
        else out.line(accepted.job_id)
      }),
    )
}

async function show({ client, out, signal }: CommandContext, name: string, { tenant }: Flags): Promise<void> {
  const found = await client.schedules.get(name, { tenant, signal })
  if (out.json) out.record(found)
  else for (const line of describe(found)) out.line(line)
}

async function remove(context: CommandContext, names: string[], { tenant }: Flags): Promise<number> {
  const { client, out, signal } = context
  return eachOf(context, names, async (name) => {
    await client.schedules.delete(name, { tenant, signal })
    if (out.json) out.record({ name, deleted: true })
    else out.line(`deleted ${name}`)
  })
}

async function list({ client, out, signal }: CommandContext, { limit }: { limit?: number }): Promise<void> {
  const found: ScheduleSummary[] = []
  for await (const schedule of firstOf(client.schedules.list({ signal }), limit)) found.push(schedule)
  listAll(out, found, {
    heading: ['NAME', 'TIMES', 'TYPE', 'NEXT', 'ERROR'],
    row: (each) => [each.name, timesOf(each), each.job.type, nextOf(each), each.last_error?.message ?? ''],
    none: 'There are no schedules.',
  })
}

function tell({ out }: CommandContext, schedule: ScheduleView): void {
  if (out.json) out.record(schedule)
  else out.line(`${schedule.name}: ${schedule.paused ? 'paused' : `next ${nextOf(schedule)}`}`)
}

const describe = (schedule: ScheduleView): string[] =>
  formatFields([
    ['name', schedule.name],
    ['times', timesOf(schedule)],
    ['job', JSON.stringify(schedule.job)],
    ['on_missed', schedule.on_missed],
    ['starts', schedule.starts_at],
    ['ends', schedule.ends_at],
    ['paused', schedule.paused ? 'yes' : 'no'],
    ['next', schedule.next_runs.join(', ')],
    ['last', schedule.last_tick_at],
    ['last job', schedule.last_job_id],
    ['error', schedule.last_error?.message],
  ])

const timesOf = ({ cron, every_ms: everyMs, timezone }: ScheduleSummary): string =>
  cron === null ? `every ${everyMs ?? 0} ms` : `${cron} (${timezone})`

const nextOf = ({ next_run_at: at, paused }: ScheduleSummary): string => at ?? (paused ? 'paused' : 'never')
