import { readLease } from '#shared/accept/lease.ts'
import type { Caller } from '#shared/auth/caller.ts'
import type { WorkCaller } from '#shared/bus/work-calls.ts'
import { workOperations } from '#shared/contracts/http/operations/work.ts'
import type { ClaimedWork, ClaimWorkBody, ExtendedLease, SettledWork, Settlement } from '#shared/contracts/http/work.ts'
import { AppError } from '#shared/errors/app-error.ts'
import type { AppContext } from '#shared/http/app.ts'
import { callerOf } from '#shared/http/authenticate.ts'
import type { GuardedRouter } from '#shared/http/guarded-router.ts'
import { newNonce } from '#shared/ids/ids.ts'
import { SECOND } from '#shared/time/clock.ts'
import { Lenders, type LendersDeps } from './lenders.ts'

/** Longer than a lender waits for the broker in a healthy system, and short enough for a worker to ask again in time. */
const ANSWER_WITHIN_MS = 3 * SECOND

export interface WorkRoutesDeps extends LendersDeps {
  caller: WorkCaller
}

/** Registers the routes of workers that speak HTTP: the job services answer them, asked over the broker. */
export function workRoutes(router: GuardedRouter, deps: WorkRoutesDeps): void {
  const lenders = new Lenders(deps)
  router.serve(workOperations.claimWork, async (ctx, { body }) => {
    checkCaller(callerOf(ctx), body.types)
    ctx.set('Cache-Control', 'no-store')
    ctx.body = await claim(ctx, deps, lenders, body)
  })
  router.serve(workOperations.extendWork, async (ctx, { body }) => {
    const leases = body.leases.map(({ lease }) => lease)
    checkLeases(callerOf(ctx), leases)
    const answers = await byLender(leases, async (first, indexes) => {
      const ask = { ...body, leases: indexes.flatMap((index) => body.leases[index] ?? []) }
      const call = { name: 'extend', ask, ...first, by: body.worker_id, withinMs: ANSWER_WITHIN_MS } as const
      return (await lenders.ask(call)).leases
    })
    ctx.body = { leases: answers satisfies ExtendedLease[] }
  })
  router.serve(workOperations.completeWork, (ctx, { params, body: { lease, ...complete } }) =>
    settleOne(ctx, lenders, params.job_id, { lease, complete }),
  )
  router.serve(workOperations.failWork, (ctx, { params, body: { lease, ...fail } }) =>
    settleOne(ctx, lenders, params.job_id, { lease, fail }),
  )
  router.serve(workOperations.releaseWork, (ctx, { params, body: { lease, ...release } }) =>
    settleOne(ctx, lenders, params.job_id, { lease, release }),
  )
}

/** @throws AppError `insufficient-scope` */
function checkCaller({ tenant, types }: Caller, wanted: readonly string[]): void {
  if (tenant !== null)
    throw new AppError('insufficient-scope', 'A type belongs to all tenants, and the token is bound to one.')
  const forbidden = types === null ? undefined : wanted.find((type) => !types.includes(type))
  if (forbidden !== undefined)
    throw new AppError('insufficient-scope', `The token does not allow work of the type ${forbidden}.`)
}

const checkLeases = (caller: Caller, leases: readonly string[]): void =>
  checkCaller(
    caller,
    leases.flatMap((lease) => readLease(lease)?.type ?? []),
  )

async function claim(
  ctx: AppContext,
  { caller }: WorkRoutesDeps,
  lenders: Lenders,
  body: ClaimWorkBody,
): Promise<ClaimedWork> {
  checkLeases(
    callerOf(ctx),
    body.settle.map(({ lease }) => lease),
  )
  const callId = newNonce()
  let lender = ''
  const isGone = () => ctx.res.closed && !ctx.res.writableEnded
  const tell = () => {
    if (isGone() && lender !== '') caller.tellGone(lender, callId)
  }
  ctx.res.once('close', tell)
  const answer = await lenders.ask({
    name: 'claim',
    ask: { call_id: callId, body },
    by: body.worker_id,
    withinMs: body.wait_s * SECOND + ANSWER_WITHIN_MS,
    isWanted: () => !isGone(),
    onAsking(asked) {
      lender = asked
    },
  })
  ctx.res.off('close', tell)
  tell()
  return answer
}

async function settleOne(ctx: AppContext, lenders: Lenders, jobId: string, item: Settlement): Promise<void> {
  checkLeases(callerOf(ctx), [item.lease])
  if (readLease(item.lease)?.job_id !== jobId)
    throw new AppError('invalid-lease', 'The lease is not one of this job. Send it exactly as it was handed out.')
  const [settled] = await settleAll(lenders, [item])
  if (settled === undefined || settled.status === 'invalid')
    throw new AppError('invalid-lease', 'Send the lease exactly as it was handed out with the job.')
  if (settled.status === 'superseded') throw new AppError('superseded', settled.detail ?? 'Nothing was changed.')
  if (settled.status === 'ended') throw new AppError('job-ended', settled.detail ?? 'Nothing was changed.')
  ctx.body = settled
}

const settleAll = (lenders: Lenders, items: Settlement[]): Promise<SettledWork[]> =>
  byLender(
    items.map(({ lease }) => lease),
    async (first, indexes) => {
      const ask = { items: indexes.flatMap((index) => items[index] ?? []) }
      const by = items[0]?.lease ?? ''
      return (await lenders.ask({ name: 'settle', ask, ...first, by, withinMs: ANSWER_WITHIN_MS })).settled
    },
  )

/** Asks each lender about its own leases, and puts the answers in the order of the leases. */
async function byLender<T>(
  leases: readonly string[],
  ask: (lender: { first?: string }, indexes: number[]) => Promise<T[]>,
): Promise<T[]> {
  const indexesOf = Map.groupBy(leases.keys(), (index) => readLease(leases[index] ?? '')?.gateway_id ?? '')
  const answers = new Map<number, T>()
  await Promise.all(
    [...indexesOf].map(async ([lenderId, indexes]) => {
      const found = await ask(lenderId === '' ? {} : { first: lenderId }, indexes)
      for (const [place, index] of indexes.entries()) {
        const answer = found[place]
        if (answer !== undefined) answers.set(index, answer)
      }
    }),
  )
  return leases.flatMap((_, index) => answers.get(index) ?? [])
}
