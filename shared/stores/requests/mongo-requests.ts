import type { Connection } from 'mongoose'
import { REQUEST_STATUSES, type RequestStatus } from '#shared/contracts/http/requests.ts'
import { connect, updatesPerCommand } from '../mongo/connect.ts'
import { putNewer, type VersionedDocument } from '../mongo/put-newer.ts'
import { checkTenant } from '../tenant-filter.ts'
import { fromColumns, type RequestColumns, toColumns, toSummaryRow } from './request-columns.ts'
import type { RequestQuery, RequestRow, RequestStore } from './request-store.ts'

type RequestDocument = Omit<RequestColumns, 'request_id'> & { _id: string }

/**
 * Opens the database in the URL. Only operators that MongoDB 6 to 8 and FerretDB 1.24 share are used, as in
 * mongo-jobs.ts. Rejects after 5 s when no server answers.
 */
export async function openMongoRequests(url: string): Promise<RequestStore> {
  const connection = await connect(url)
  const requests = connection.collection<RequestDocument>('requests')
  const versions = connection.collection<VersionedDocument>('requests')
  const perCommand = await setUp(connection)
  return {
    putNewer: (rows) => putNewer(versions, rows.map(toDocument), perCommand),

    get: async (requestId) => {
      const document = await requests.findOne({ _id: requestId })
      return document === null ? null : fromColumns(fromDocument(document))
    },

    versionsOf: async (requestIds) => {
      if (requestIds.length === 0) return []
      const found = requests.find({ _id: { $in: requestIds } }, { projection: { generation: 1, seq: 1 } })
      return (await found.toArray()).map(({ _id, generation, seq }) => ({ request_id: _id, generation, seq }))
    },

    list: async ({ statuses, tenant, belowId, limit }: RequestQuery) => {
      checkTenant(tenant)
      const found = requests.find(
        {
          _id: { $lt: belowId },
          // Also for all statuses: when each is given, the index yields ids in order, one range for each status.
          status: { $in: statuses ?? [...REQUEST_STATUSES] },
          ...(tenant === null ? {} : { tenant }),
        },
        {
          projection: { record: 0 },
          sort: { _id: -1 },
          limit,
          hint: tenant === null ? SEARCH_INDEXES.byStatus : SEARCH_INDEXES.byTenant,
        },
      )
      return (await found.toArray()).map((document) => toSummaryRow(fromDocument(document)))
    },

    countOpen: async () => {
      const count = (status: RequestStatus) => requests.countDocuments({ status }, { hint: SEARCH_INDEXES.byStatus })
      const [queuing, inprogress] = await Promise.all([count('queuing'), count('inprogress')])
      return { queuing, inprogress }
    },

    deleteEndedBefore: async (endedBefore, limit) => {
      const ended = { $gt: '', $lt: endedBefore }
      const found = requests.find({ ended_at: ended }, { projection: { _id: 1 }, sort: { ended_at: 1 }, limit })
      const ids = (await found.toArray()).map(({ _id }) => _id)
      if (ids.length === 0) return 0
      // The time is compared again: an operator may have retried one of them in between.
      return (await requests.deleteMany({ _id: { $in: ids }, ended_at: ended })).deletedCount
    },

    ping: async () => {
      await requests.findOne({ _id: '' }, { projection: { _id: 1 } })
    },

    close: () => connection.close(),
  }
}

/** Indexes by search. A search names its index, because a plan that was tried once may fit badly. */
const SEARCH_INDEXES = {
  byStatus: { status: 1, _id: -1 },
  byTenant: { tenant: 1, status: 1, _id: -1 },
} as const

/** @returns the number of updates that a command may hold */
async function setUp(connection: Connection): Promise<number> {
  try {
    const requests = connection.collection('requests')
    for (const keys of Object.values(SEARCH_INDEXES)) await requests.createIndex(keys)
    await requests.createIndex({ ended_at: 1 })
    return await updatesPerCommand(connection)
  } catch (error) {
    await connection.close(true)
    throw error
  }
}

function toDocument(row: RequestRow): RequestDocument {
  const { request_id, ...fields } = toColumns(row)
  return { _id: request_id, ...fields }
}

const fromDocument = ({ _id, ...fields }: RequestDocument): RequestColumns => ({ request_id: _id, ...fields })
