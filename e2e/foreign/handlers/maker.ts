export { handler } from '../../handlers/maker.ts'
