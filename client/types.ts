import type { NewType, TypeList, TypeView } from './contracts.ts'
import type { CallOptions } from './job-request.ts'
import { sendRequest, type Transport } from './request.ts'

export type TypeCalls = ReturnType<typeof makeTypeCalls>

/** Job types, and how they run over all workers. Changing them needs the scope `admin` where tokens are required. */
export function makeTypeCalls(transport: Transport) {
  const pathOf = (type: string): string => `/v1/types/${encodeURIComponent(type)}`
  const post = (type: string, verb: 'pause' | 'resume', { signal }: CallOptions): Promise<TypeView> =>
    sendRequest(transport, { method: 'POST', path: `${pathOf(type)}/${verb}`, signal })
  return {
    list: async ({ signal }: CallOptions = {}): Promise<TypeList['items']> =>
      (await sendRequest<TypeList>(transport, { method: 'GET', path: '/v1/types', signal })).items,

    get: (type: string, { signal }: CallOptions = {}): Promise<TypeView> =>
      sendRequest(transport, { method: 'GET', path: pathOf(type), signal }),

    /** Registers a type whose jobs workers claim over HTTP, or changes it. */
    put: (type: string, body: Omit<NewType, 'runner'> = {}, { signal }: CallOptions = {}): Promise<TypeView> =>
      sendRequest(transport, { method: 'PUT', path: pathOf(type), body: { runner: 'http', ...body }, signal }),

    /** Removes a type of HTTP workers, of which no unfinished job may be left. */
    delete: (type: string, { signal }: CallOptions = {}): Promise<void> =>
      sendRequest(transport, { method: 'DELETE', path: pathOf(type), signal }),

    /** Starts no more jobs of the type; running ones continue. */
    pause: (type: string, options: CallOptions = {}): Promise<TypeView> => post(type, 'pause', options),

    resume: (type: string, options: CallOptions = {}): Promise<TypeView> => post(type, 'resume', options),

    /** @param concurrency how many jobs may run at once; null for no limit */
    setConcurrency: (type: string, concurrency: number | null, { signal }: CallOptions = {}): Promise<TypeView> =>
      sendRequest(transport, { method: 'PATCH', path: pathOf(type), body: { concurrency }, signal }),
  }
}
