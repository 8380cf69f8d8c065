/** @module The errors in the Scheduler's wire protocol: a type, a status and a field `Message` with a capital M. */

export type ErrorType =
  | 'ValidationException'
  | 'ServiceQuotaExceededException'
  | 'ResourceNotFoundException'
  | 'ConflictException'
  | 'ThrottlingException'
  | 'InternalServerException'
  | 'AccessDeniedException'
  | 'UnknownOperationException';

export const errorStatus: Record<ErrorType, number> = {
  ValidationException: 400,
  ServiceQuotaExceededException: 402,
  AccessDeniedException: 403,
  ResourceNotFoundException: 404,
  UnknownOperationException: 404,
  ConflictException: 409,
  ThrottlingException: 429,
  InternalServerException: 500,
};

/** Thrown by an operation; becomes the server's answer. */
export class ServiceError extends Error {
  readonly type: ErrorType;

  constructor(type: ErrorType, message: string) {
    super(message);
    this.type = type;
  }
}

export const invalid = (message: string) => new ServiceError('ValidationException', message);
export const conflict = (message: string) => new ServiceError('ConflictException', message);
export const missing = (message: string) => new ServiceError('ResourceNotFoundException', message);
