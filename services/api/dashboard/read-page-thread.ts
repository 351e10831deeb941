// A thread that reads the dashboard's files once and ends: to strip their types and compress them takes some hundred
// milliseconds, in which the api would answer nobody.
import { parentPort } from 'node:worker_threads'
import { readPage } from './page-files.ts'

parentPort?.postMessage(readPage())
