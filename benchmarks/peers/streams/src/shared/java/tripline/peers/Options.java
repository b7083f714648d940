package tripline.peers;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The command line: `--name value`, any of them in any order. */
public final class Options {
  private final Map<String, List<String>> values = new HashMap<>();

  public Options(String[] args) {
    if (args.length % 2 != 0) {
      throw new IllegalArgumentException("an option without a value: " + args[args.length - 1]);
    }
    for (int index = 0; index < args.length; index += 2) {
      if (!args[index].startsWith("--")) {
        throw new IllegalArgumentException("not an option: " + args[index]);
      }
      values.computeIfAbsent(args[index].substring(2), name -> new ArrayList<>()).add(args[index + 1]);
    }
  }

  public String text(String name) {
    List<String> given = values.get(name);
    if (given == null) {
      throw new IllegalArgumentException("--" + name + " is missing");
    }
    return given.get(given.size() - 1);
  }

  public String text(String name, String otherwise) {
    return values.containsKey(name) ? text(name) : otherwise;
  }

  public int number(String name) {
    return Integer.parseInt(text(name));
  }

  public int number(String name, int otherwise) {
    return values.containsKey(name) ? number(name) : otherwise;
  }

  public boolean flag(String name, boolean otherwise) {
    return switch (text(name, Boolean.toString(otherwise))) {
      case "true" -> true;
      case "false" -> false;
      default -> throw new IllegalArgumentException("--" + name + " is true or false");
    };
  }

  /** One of the choices. */
  public String choice(String name, String... choices) {
    String value = text(name);
    if (!List.of(choices).contains(value)) {
      throw new IllegalArgumentException("--" + name + " is one of " + String.join(", ", choices));
    }
    return value;
  }

  /** `name=value`, given any number of times. */
  public Map<String, String> settings(String name) {
    Map<String, String> settings = new HashMap<>();
    for (String each : values.getOrDefault(name, List.of())) {
      int equals = each.indexOf('=');
      settings.put(each.substring(0, equals), each.substring(equals + 1));
    }
    return settings;
  }
}
