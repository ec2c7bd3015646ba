import { NewCredential } from '../../credentials/contract.ts'

/** Whether n8n could have a credential type of this name. */
export const isTypeName = (type: string): boolean => NewCredential.shape.type.safeParse(type).success
