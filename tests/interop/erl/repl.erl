%% Evaluates expressions from standard input, one a line, and prints one line for each: how tests ask a node.
-module(repl).

-export([start/0]).

start() ->
    loop(erl_eval:new_bindings()).

loop(Bindings) ->
    case io:get_line("") of
        Line when is_list(Line); is_binary(Line) ->
            io:format("reply ~tw~n", [evaluate(Line, Bindings)]),
            loop(Bindings);
        _ ->
            halt(0)
    end.

evaluate(Line, Bindings) ->
    try
        {ok, Tokens, _} = erl_scan:string(unicode:characters_to_list(Line)),
        {ok, Expressions} = erl_parse:parse_exprs(Tokens),
        {value, Value, _} = erl_eval:exprs(Expressions, Bindings),
        Value
    catch
        Class:Reason -> {Class, Reason}
    end.
