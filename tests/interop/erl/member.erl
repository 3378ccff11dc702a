%% A member of a cluster that knows one thing: the name to ask who the others are. Prints whom DNS names and whom it
%% is connected to, whenever that changes.
-module(member).

-export([start/1]).

start(Query) ->
    spawn(fun() -> poll(Query, [], []) end).

poll(Query, LastNamed, LastConnected) ->
    Named = strategies:txt(Query),
    [net_kernel:connect_node(Name) || Name <- Named, Name =/= node()],
    Connected = lists:sort(nodes()),
    [io:format("named ~tw~n", [Named]) || Named =/= LastNamed],
    [io:format("connected ~tw~n", [Connected]) || Connected =/= LastConnected],
    receive
    after 100 -> poll(Query, Named, Connected)
    end.
