package tripline.peers;

/** The usual form of a time, {@code 2026-01-31T23:59:59.999Z}, without what {@link java.time.Instant#parse} allocates. */
final class IsoTime {
  /** It is of another form, or no time. */
  static final long OTHER = Long.MIN_VALUE;

  private static final String FORM = "0000-00-00T00:00:00.000Z";
  private static final int[] DAYS_OF_MONTH = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  private static final long DAY_MS = 86_400_000;

  private IsoTime() {}

  /** Milliseconds since 1970. */
  static long parse(char[] text, int offset, int length) {
    if (length != FORM.length()) {
      return OTHER;
    }
    for (int index = 0; index < length; index++) {
      char wanted = FORM.charAt(index);
      char found = text[offset + index];
      if (wanted == '0' ? found < '0' || found > '9' : found != wanted) {
        return OTHER;
      }
    }
    int year = number(text, offset, 4);
    int month = number(text, offset + 5, 2);
    int day = number(text, offset + 8, 2);
    int hour = number(text, offset + 11, 2);
    int minute = number(text, offset + 14, 2);
    int second = number(text, offset + 17, 2);
    if (month < 1 || month > 12 || day < 1 || day > daysOf(year, month) || hour > 23 || minute > 59 || second > 59) {
      return OTHER;
    }
    long ofDay = ((hour * 60L + minute) * 60 + second) * 1_000 + number(text, offset + 20, 3);
    return epochDay(year, month, day) * DAY_MS + ofDay;
  }

  private static int number(char[] text, int offset, int digits) {
    int number = 0;
    for (int index = offset; index < offset + digits; index++) {
      number = number * 10 + text[index] - '0';
    }
    return number;
  }

  private static int daysOf(int year, int month) {
    boolean isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month == 2 && isLeap ? 29 : DAYS_OF_MONTH[month - 1];
  }

  /** Days since 1970, counting years from March so that a leap day is a year's last. */
  private static long epochDay(int year, int month, int day) {
    long fromMarch = month > 2 ? year : year - 1L;
    long era = Math.floorDiv(fromMarch, 400);
    long yearOfEra = fromMarch - era * 400;
    long dayOfYear = (153L * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    long dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear;
    return era * 146_097 + dayOfEra - 719_468;
  }
}
