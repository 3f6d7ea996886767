/** Amounts: whole numbers of minor units (cents), at most 2^53 - 1, which JavaScript's numbers hold exactly. */

/** Return the amount. Raises TypeError for anything but a whole number from 1 to 2^53 - 1. */
export function cents(amount: number): number {
  if (!Number.isSafeInteger(amount) || amount < 1) {
    throw new TypeError(`an amount is a whole number of minor units (cents), 1 to ${Number.MAX_SAFE_INTEGER}`);
  }
  return amount;
}

/**
 * Return an amount for people: `formatMoney(-105000, "USD")` is `-1,050.00 USD`. `minorUnit` is the number of digits of the currency.
 * Raises TypeError for an amount that is no whole number.
 */
export function formatMoney(amount: number, currency?: string, minorUnit = 2): string {
  if (!Number.isSafeInteger(amount)) {
    throw new TypeError("an amount is a whole number of minor units (cents)");
  }
  const digits = String(Math.abs(amount)).padStart(minorUnit + 1, "0");
  const whole = digits.slice(0, digits.length - minorUnit).replace(/\B(?=(\d{3})+$)/g, ",");
  const fraction = minorUnit ? `.${digits.slice(-minorUnit)}` : "";
  return `${amount < 0 ? "-" : ""}${whole}${fraction}${currency ? ` ${currency}` : ""}`;
}
