// The ceiling of HTTP: an id, and nothing else.
import { nanoid } from 'nanoid'

export const producer = async () => async () => nanoid()
