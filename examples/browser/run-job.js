// Made by `npm run build:client -- examples/browser/hasty-client`.
import { Hasty, HastyError } from './hasty-client/index.js'

/**
 * Sends a job, reports its events as they happen, and resolves to the final message.
 * @param {{ url: string, token: string, objectId: string }} settings
 * @param {(text: string) => void} say
 */
export async function runJob({ url, token, objectId }, say) {
  const hasty = new Hasty({ url, token: token || undefined })
  try {
    const { job_id: id } = await hasty.create('add', { numbers: [1, 2, 3, 4, 5, 6] }, { objectId })
    for await (const { event } of hasty.events(id)) say(event)
    const { status, result, error } = await hasty.get(id)
    return status === 'finished' ? `Result: ${JSON.stringify(result)}` : `${status}: ${error?.message}`
  } catch (error) {
    if (!(error instanceof HastyError)) throw error
    return `${error.code}: ${error.detail}`
  }
}
