import { statfs } from 'node:fs/promises'

/** Share of the disk that stays free: accepted work must find room until it ends, in the log and in the store. */
const RESERVE_SHARE = 0.1
const RESERVE_MAX_BYTES = 256 * 1024 * 1024

/**
 * The reason why nothing new may be accepted where the data lies in a folder of this machine: under `npm start` the log
 * and the stores fill the same disk, and none of them knows the others' limits. null: there is room, or no such folder.
 */
export async function whyDiskFull(folder: string): Promise<string | null> {
  const disk = await statfs(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  if (disk === null) return null
  const { bavail, blocks, bsize } = disk
  const free = bavail * bsize
  const reserve = Math.floor(Math.min(blocks * bsize * RESERVE_SHARE, RESERVE_MAX_BYTES))
  return free < reserve
    ? `the disk of DATA_DIR has ${free} bytes left, and the last ${reserve} are reserved for running jobs`
    : null
}
